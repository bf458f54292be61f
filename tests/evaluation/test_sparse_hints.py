import numpy as np

from vidprop.evaluation.clips import load_clip
from vidprop.evaluation.levin import Levin
from vidprop.evaluation.sparse import run_sparse


def test_every_method_gets_the_same_hints_which_are_the_truth(clip_folder):
    given = []

    class Spy:
        def colour(self, luma, positions, values):
            given.append((positions, values))
            return np.zeros((2, *luma.shape), np.float32)

    clip = load_clip(clip_folder / "short.mkv", lines=64)
    run_sparse(clip, {"one": Spy(), "two": Spy()}, hints=40)
    (positions, values), other = given
    np.testing.assert_array_equal(positions, other[0])
    np.testing.assert_array_equal(values, clip.chroma[0][:, positions[:, 0], positions[:, 1]].T)
    assert 20 <= len(positions) <= 60


def test_hints_depend_on_the_seed_and_the_clip_alone(clip_folder):
    clip = load_clip(clip_folder / "short.mkv", lines=64)
    one, again, other = (run_sparse(clip, {}, 40, seed).positions for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


def test_scores_of_a_frame(clip_folder):
    clip = load_clip(clip_folder / "short.mkv", lines=64)
    few, many = (next(run_sparse(clip, {"levin": Levin()}, hints).scores()) for hints in (10, 300))
    assert few.psnr < many.psnr
    assert few.delta_e > many.delta_e
    assert many.clip == "short"
    assert many.seconds > 0
