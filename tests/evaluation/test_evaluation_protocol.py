import numpy as np
import pytest

from vidprop.errors import InputError
from vidprop.evaluation.baselines import Copy, FlowBlend, FlowForward
from vidprop.evaluation.clips import load_clip
from vidprop.evaluation.metrics import PSNR_LIMIT
from vidprop.evaluation.protocol import TRUTH, Schedule, run_clip


@pytest.mark.parametrize(
    ("sides", "frames", "spans"),
    [
        ("one", 30, [(0, 30)]),
        ("one", 70, [(0, 30), (30, 60), (60, 70)]),
        ("both", 31, [(0, 31)]),
        ("both", 70, [(0, 31), (30, 61), (60, 70)]),
        ("both", 20, [(0, 20)]),
    ],
)
def test_spans_begin_and_with_both_sides_end_at_key_frames(sides, frames, spans):
    found = Schedule(30, sides).spans(frames)
    assert [(span.start, span.stop) for span in found] == spans


def test_the_first_span_takes_the_key_frame_behind_it_if_that_is_given():
    assert Schedule(30, "one").first_span == 30
    assert Schedule(30, "both").first_span == 31


def test_an_interval_of_nothing_is_refused():
    with pytest.raises(InputError, match="interval"):
        Schedule(0)


class Spy:
    """Returns black chroma at half the size, and remembers what it was given."""

    def __init__(self):
        self.calls = []

    def propagate(self, guides, edits):
        self.calls.append((len(guides), sorted(edits)))
        return [np.zeros((2, guides[0].shape[0] // 2, guides[0].shape[1] // 2), np.float32)] * len(
            guides
        )


@pytest.fixture(scope="module")
def clip(clip_folder):
    return load_clip(clip_folder / "long.mkv", lines=64)


@pytest.mark.parametrize(
    ("sides", "calls", "filled"),
    [
        ("one", [(4, [0]), (4, [0]), (1, [0])], (1, 2, 3, 5, 6, 7)),
        ("both", [(5, [0, 4]), (5, [0, 4])], (1, 2, 3, 5, 6, 7)),
    ],
)
def test_a_method_sees_one_span_and_the_edits_of_its_sides(clip, sides, calls, filled):
    spy = Spy()
    run = run_clip(clip, {"spy": spy}, Schedule(4, sides))
    assert spy.calls == calls
    assert run.filled == filled


def test_key_frames_are_shown_as_given_and_the_rest_as_made(clip):
    run = run_clip(clip, {"spy": Spy()}, Schedule(4))
    truth, made = run.frames(TRUTH), run.frames("spy")
    np.testing.assert_array_equal(made[4], truth[4])
    np.testing.assert_allclose(made[5], np.repeat(clip.luma[5][..., None], 3, 2), atol=1e-6)


def test_scores_rank_flow_above_copy_and_the_truth_is_perfect(clip):
    methods = {"copy": Copy(), "flow": FlowForward(), "both": FlowBlend()}
    truth, *scores = run_clip(clip, methods, Schedule(8, "both")).scores()
    copy, flow, both = scores
    assert (truth.method, truth.psnr, truth.delta_e) == (TRUTH, PSNR_LIMIT, 0)
    assert copy.psnr < flow.psnr < both.psnr < PSNR_LIMIT
    assert copy.delta_e > flow.delta_e > both.delta_e > 0
    assert copy.warp_error > flow.warp_error
    assert all(score.frames == 7 and score.seconds > 0 for score in scores)


def test_a_clip_of_key_frames_only_is_refused(clip):
    with pytest.raises(InputError, match="no frame of 9 is left"):
        run_clip(clip, {"copy": Copy()}, Schedule(1))
