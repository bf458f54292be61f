import numpy as np
import pytest

from vidprop.alignment import FlowConfig
from vidprop.evaluation.baselines import Copy, FlowBlend, FlowForward
from vidprop.evaluation.clips import ColourClip
from vidprop.evaluation.metrics import psnr

HEIGHT, WIDTH = 64, 96


@pytest.fixture(scope="module")
def pan():
    """A texture that slides two pixels a frame; its chroma follows its luma."""
    rng = np.random.default_rng(3)
    wide = np.kron(rng.random((3, HEIGHT // 8, 24)), np.ones((8, 8))).astype(np.float32)
    wide[1:] -= 0.5
    frames = np.stack([wide[:, :, 2 * i : 2 * i + WIDTH] for i in range(9)])
    return ColourClip("pan", 0.2 + 0.6 * frames[:, 0], 0.4 * frames[:, 1:])


def middle(clip, index, chroma):
    """PSNR away from the sides, which the pan brings in and takes out."""
    inner = np.s_[:, 20:-20]
    return psnr(clip.rgb(index)[inner], clip.rgb(index, chroma)[inner])


def test_copy_repeats_the_edit_it_has(pan):
    guides = list(pan.luma)
    first, last = pan.chroma[0], pan.chroma[-1]
    assert all(c is first for c in Copy().propagate(guides, {0: first, 8: last}))
    assert all(c is last for c in Copy().propagate(guides, {8: last}))


@pytest.mark.parametrize("config", [FlowConfig(), FlowConfig.medium()])
def test_flow_carries_the_colour_of_a_moving_texture(pan, config):
    chroma = FlowForward(config).propagate(list(pan.luma), {0: pan.chroma[0]})
    assert len(chroma) == 9
    np.testing.assert_array_equal(chroma[0], pan.chroma[0])
    assert middle(pan, 5, chroma[5]) > 35
    assert middle(pan, 5, chroma[5]) > middle(pan, 5, pan.chroma[0]) + 10


@pytest.mark.parametrize("weighted", [False, True])
def test_both_sides_fill_what_one_side_cannot_see(pan, weighted):
    edits = {0: pan.chroma[0], 8: pan.chroma[8]}
    one = FlowForward().propagate(list(pan.luma), edits)
    both = FlowBlend(weighted=weighted).propagate(list(pan.luma), edits)
    assert psnr(pan.rgb(6), pan.rgb(6, both[6])) > psnr(pan.rgb(6), pan.rgb(6, one[6])) + 3
    assert middle(pan, 4, both[4]) > 35


def test_blend_ends_at_the_key_frames(pan):
    edits = {0: pan.chroma[0], 8: pan.chroma[8]}
    both = FlowBlend(weighted=True).propagate(list(pan.luma), edits)
    np.testing.assert_allclose(both[0], pan.chroma[0], atol=1e-6)
    np.testing.assert_allclose(both[8], pan.chroma[8], atol=1e-6)


def test_blend_of_one_side_is_the_forward_warp(pan):
    one = {0: pan.chroma[0]}
    for blended, forward in zip(
        FlowBlend().propagate(list(pan.luma), one),
        FlowForward().propagate(list(pan.luma), one),
        strict=True,
    ):
        np.testing.assert_array_equal(blended, forward)


def test_an_edit_may_have_any_number_of_channels(pan):
    for channels in (1, 3):
        edit = np.repeat(pan.luma[0][None], channels, axis=0)
        assert FlowForward().propagate(list(pan.luma[:2]), {0: edit})[1].shape == edit.shape
