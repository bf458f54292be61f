"""What is shipped works by default: key frames, both sides, hints."""

import numpy as np
from small_clips import colour_error, read_clip

from vidprop.color.quantisation import dequantise_chroma, dequantise_luma
from vidprop.edits.colour import painted_key
from vidprop.edits.keyfiles import key_files
from vidprop.evaluation.clips import ColourClip
from vidprop.evaluation.metrics import psnr
from vidprop.evaluation.ours import BySpans
from vidprop.networks.temporal import TemporalNetwork
from vidprop.propagation import Colorizer, ColourJob, PlaneFormat, Wishes, colorize
from vidprop.propagation.span import NetworkPropagator
from vidprop.weights import load_weights


def test_the_default_carries_colour_to_both_shots(tmp_path, truth, grey_clip, make_keys):
    keys = key_files([make_keys(0, 13, truth.cut)])
    output = tmp_path / "out.mkv"
    outcome = colorize(ColourJob(input=grey_clip, output=output, keys=keys, wishes=Wishes("ffv1")))
    luma, chroma, _ = read_clip(output)
    assert np.array_equal(luma, truth.luma)
    assert colour_error(chroma, truth, range(24)) < 0.03
    assert outcome.confidence.min() > 0.1


def test_a_few_points_colour_a_clip(tmp_path, truth, grey_clip, make_keys):
    keys, output = key_files([make_keys(0)]), tmp_path / "out.mkv"
    colorize(
        ColourJob(
            input=grey_clip,
            output=output,
            keys=keys,
            auto_hints=120,
            stop=3,
            wishes=Wishes("ffv1"),
        )
    )
    assert colour_error(read_clip(output)[1], truth, range(3)) < 0.08


def test_a_stream_and_a_file_get_the_same(tmp_path, truth, grey_clip, make_keys):
    output = tmp_path / "out.mkv"
    colorize(
        ColourJob(
            input=grey_clip,
            output=output,
            keys=key_files([make_keys(0, 8)]),
            stop=truth.cut,
            wishes=Wishes("ffv1"),
        )
    )
    layout = PlaneFormat(subsampling=(0, 0), matrix="bt709")
    keys = {number: truth.rgb[number] for number in (0, 8)}
    stream = Colorizer().stream(truth.luma[: truth.cut], keys, layout=layout)
    streamed = np.stack([frame.chroma for frame in stream])
    assert np.abs(streamed.astype(int) - read_clip(output)[1]).max() <= 1


def test_a_file_gets_what_evaluation_scores(tmp_path, truth, grey_clip, make_keys):
    output, frames = tmp_path / "out.mkv", range(1, truth.cut)
    keys, stop = key_files([make_keys(0)]), truth.cut
    colorize(ColourJob(input=grey_clip, output=output, keys=keys, stop=stop, wishes=Wishes("ffv1")))
    full = [painted_key(rgb, *truth.luma.shape[1:]) for rgb in truth.rgb[:stop]]
    clip = ColourClip(
        "truth",
        dequantise_luma(truth.luma[:stop], 8, full_range=False),
        np.stack([key.chroma for key in full]),
    )
    method = BySpans(NetworkPropagator(load_weights(TemporalNetwork, "colour")))
    scored = method.propagate(list(clip.luma), {0: clip.chroma[0]})
    written = dequantise_chroma(read_clip(output)[1], 8, full_range=False)

    def quality(chroma):
        return np.mean([psnr(clip.rgb(i), clip.rgb(i, chroma[i])) for i in frames])

    assert abs(quality(written) - quality(scored)) < 0.1
