"""HDR methods are compared on the frames between key frames, and perfect ones score so."""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
import pytest

from vidprop.color.transfer import srgb_encode
from vidprop.errors import InputError
from vidprop.evaluation import hdr_methods
from vidprop.evaluation.hdr_protocol import HdrShot, run_shot
from vidprop.evaluation.hdr_sheet import hdr_sheet
from vidprop.evaluation.methods import MethodOptions
from vidprop.evaluation.protocol import Schedule
from vidprop.evaluation.tables import report

FRAMES = 5


def shot(pan: int = 2, drift: float = 0.0) -> HdrShot:
    """A pan over stops that grow a little; an sRGB camera, `drift` stops brighter in the end."""
    noise = np.random.default_rng(2).normal(0, 5, (80, 200, 3))
    scene = cv2.GaussianBlur(noise, None, 4).astype(np.float32) * 4 - 2
    views = [scene[8:72, 20 + pan * t : 116 + pan * t] + 0.02 * t for t in range(FRAMES)]
    stops = np.stack(views).astype(np.float32)
    exposure = np.linspace(0, drift, FRAMES, dtype=np.float32)[:, None, None, None]
    light = np.exp2(stops + exposure)
    ldr = np.rint(255 * srgb_encode(np.clip(light, 0, 1))).astype(np.uint8)
    return HdrShot("pan", ldr, stops, (light >= 1).any(axis=-1), 0.0)


class Perfect:
    def __init__(self, stops: np.ndarray) -> None:
        self._stops = stops

    def fill(self, signals: Sequence, keys: Mapping) -> list:
        return list(self._stops[: len(signals)])


def score(name: str, clip: HdrShot, sides: str = "both") -> object:
    method = hdr_methods.HDR_METHODS[name](MethodOptions())
    run = run_shot(clip, {name: method}, Schedule(FRAMES - 1, sides))
    return next(run.scores())


def test_a_perfect_method_scores_perfectly() -> None:
    clip = shot()
    run = run_shot(clip, {"perfect": Perfect(clip.stops)}, Schedule(FRAMES - 1, "both"))
    found = next(run.scores())
    assert found.frames == FRAMES - 2
    assert found.pu21_psnr == 80
    assert found.log_rmse == found.clipped_log_rmse == found.delta_e_itp == found.flicker == 0
    assert found.change == pytest.approx(1)


def test_a_camera_that_is_srgb_is_inverted_where_it_does_not_clip() -> None:
    found = score("srgb", shot())
    assert found.log_rmse > 0.1
    assert found.clipped_log_rmse > found.log_rmse


@pytest.mark.parametrize("sides", ["one", "both"])
def test_the_flow_carries_what_the_curve_cannot_know(sides: str) -> None:
    clip = shot()
    assert score("flow", clip, sides).clipped_log_rmse < score("curve", clip).clipped_log_rmse


@pytest.mark.parametrize("sides", ["one", "both"])
def test_the_join_takes_the_better_of_both_at_each_pixel(sides: str) -> None:
    clip = shot(drift=1.0)
    joined = score("flow-joined", clip, sides)
    assert joined.pu21_psnr > score("flow", clip, sides).pu21_psnr
    assert joined.pu21_psnr > score("curve", clip, sides).pu21_psnr


def test_key_frames_are_shown_as_given() -> None:
    clip = shot()
    run = run_shot(clip, {"srgb": hdr_methods.AsSrgb()}, Schedule(2, "both"))
    assert run.filled == (1, 3)
    for number in (0, 2, 4):
        np.testing.assert_array_equal(run.estimates["srgb"][number], clip.stops[number])


def test_light_is_scaled_to_diffuse_white_and_ends_at_the_peak() -> None:
    nits = shot().nits(np.array([0.0, 1.0, 20.0]))
    np.testing.assert_allclose(nits, [203, 406, 4000])


def test_the_report_and_the_sheet_hold_every_method() -> None:
    clip = shot()
    methods = {"a": Perfect(clip.stops), "b": Perfect(clip.stops)}
    run = run_shot(clip, methods, Schedule(FRAMES - 1, "both"))
    text = report(list(run.scores()))
    assert "PU21 PSNR, dB" in text
    assert "the same where clipped" in text
    assert hdr_sheet(run, rows=1, width=96).shape == (2 * 64, 4 * 96, 3)


def test_a_shot_of_key_frames_only_is_an_error() -> None:
    with pytest.raises(InputError, match="pan: no frame of 5 is left between key frames"):
        run_shot(shot(), {}, Schedule(1, "both"))
