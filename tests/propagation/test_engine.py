"""From file to file: luma untouched, colour carried, every kind of clip."""

from fractions import Fraction

import numpy as np
import pytest
from small_clips import colour_error, flow_job, read_clip, write_clip

from vidprop.color.quantisation import dequantise_chroma
from vidprop.color.transfer import srgb_decode
from vidprop.edits.colour import painted_key
from vidprop.propagation import Wishes, colorize
from vidprop.video import (
    Frame,
    PlaneFormat,
    VideoInfo,
    create_video,
    open_video,
    read_image,
    write_image,
)


@pytest.mark.parametrize("bit_depth", [8, 10])
@pytest.mark.parametrize("subsampling", [(1, 1), (0, 0)])
def test_luma_goes_through_untouched(tmp_path, truth, make_keys, bit_depth, subsampling):
    layout = PlaneFormat(bit_depth=bit_depth, subsampling=subsampling, matrix="bt709")
    spread = np.random.default_rng(0).integers(0, 2 ** (bit_depth - 8), truth.luma.shape)
    luma = ((truth.luma.astype(int) << bit_depth - 8) + spread).astype(layout.dtype)
    shape = (len(luma), 2, *layout.chroma_size(*luma.shape[1:]))
    neutral = np.full(shape, layout.neutral, layout.dtype)
    clip = write_clip(tmp_path / "clip.mkv", luma, neutral, layout=layout)
    colorize(flow_job(clip, make_keys(0, truth.cut), tmp_path / "out.mkv", wishes=Wishes("ffv1")))
    written, chroma, info = read_clip(tmp_path / "out.mkv")
    assert np.array_equal(written, luma)
    assert (info.format.bit_depth, info.format.subsampling) == (bit_depth, subsampling)
    assert (info.format.matrix, info.format.full_range) == ("bt709", False)
    assert chroma.std() > 4 << bit_depth - 8


def test_every_code_of_luma_survives_lossless_h264(tmp_path, make_keys):
    luma = np.arange(256, dtype=np.uint8).repeat(24).reshape(1, 64, 96).repeat(3, 0)
    clip = write_clip(tmp_path / "clip.mkv", luma)
    picture = luma[0, ..., None].repeat(3, 2)
    write_image(tmp_path / "key_0.png", picture)
    job = flow_job(clip, tmp_path / "key_0.png", tmp_path / "out.mp4", wishes=Wishes("h264", crf=0))
    colorize(job)
    assert np.array_equal(read_clip(job.output)[0], luma)


def test_both_shots_get_the_colours_of_their_key_frames(tmp_path, truth, grey_clip, make_keys):
    job = flow_job(grey_clip, make_keys(3, truth.cut), tmp_path / "out.mkv", wishes=Wishes("ffv1"))
    outcome = colorize(job)
    luma, chroma, _ = read_clip(job.output)
    assert np.array_equal(luma, truth.luma)
    assert colour_error(chroma, truth, range(len(luma))) < 0.03
    assert outcome.shots == (range(truth.cut), range(truth.cut, len(luma)))
    assert outcome.grey == ()
    assert outcome.confidence[3] == 1
    assert 0.3 < outcome.confidence.min() < 1


def test_key_frames_appear_as_they_were_painted(tmp_path, truth, grey_clip, make_keys):
    job = flow_job(grey_clip, make_keys(3), tmp_path / "out.mkv", wishes=Wishes("ffv1"))
    colorize(job)
    chroma = dequantise_chroma(read_clip(job.output)[1][3], 8, False)
    key = painted_key(truth.rgb[3], *truth.luma.shape[1:])
    assert np.abs(chroma - key.chroma).max() <= 0.5 / 224 + 1e-6


def test_a_shot_without_key_frame_stays_grey_and_is_reported(tmp_path, truth, grey_clip, make_keys):
    outcome = colorize(
        flow_job(grey_clip, make_keys(0), tmp_path / "out.mkv", wishes=Wishes("ffv1"))
    )
    chroma = read_clip(outcome.output)[1]
    assert (chroma[truth.cut :] == 128).all()
    assert outcome.grey == (range(truth.cut, len(chroma)),)
    assert (outcome.confidence[truth.cut :] == 0).all()


def test_a_shot_can_borrow_the_key_frame_most_like_it(tmp_path, truth, make_keys):
    again = np.concatenate([truth.luma, truth.luma[2:12]])
    clip = write_clip(tmp_path / "clip.mkv", again)
    job = flow_job(
        clip, make_keys(4, 16), tmp_path / "o.mkv", reuse_keys=True, wishes=Wishes("ffv1")
    )
    outcome = colorize(job)
    (loan,) = outcome.borrowed
    assert (loan.number, loan.shot) == (4, range(24, 34))
    assert outcome.grey == ()
    assert colour_error(read_clip(job.output)[1][24:], truth, range(2, 12)) < 0.04


def test_a_picture_without_a_number_is_found_in_the_clip(tmp_path, truth, grey_clip):
    write_image(tmp_path / "painted.png", truth.rgb[17])
    outcome = colorize(flow_job(grey_clip, tmp_path / "painted.png", tmp_path / "out.mkv"))
    assert outcome.found == {tmp_path / "painted.png": 17}
    assert list(outcome.keys) == [17]


def test_a_repair_leaves_the_rest_of_its_frame(tmp_path, truth, grey_clip, make_keys):
    keys = make_keys(0)
    colorize(flow_job(grey_clip, keys, tmp_path / "a.mkv", wishes=Wishes("ffv1")))
    patch = np.zeros((*truth.luma.shape[1:], 4), np.uint8)
    patch[:32, :, :3] = truth.rgb[6, :32, :, ::-1]
    patch[:32, :, 3] = 255
    write_image(keys / "00006.png", patch)
    colorize(flow_job(grey_clip, keys, tmp_path / "b.mkv", wishes=Wishes("ffv1")))
    before, after = read_clip(tmp_path / "a.mkv")[1], read_clip(tmp_path / "b.mkv")[1]
    change = np.abs(after.astype(int) - before).mean(axis=1)
    assert change[6, :28].mean() > 10
    assert change[6, 36:].max() <= 2
    assert change[10, :24].mean() > 8
    assert change[10, 40:].mean() < 2


def test_grey_and_coloured_side_by_side(tmp_path, truth, grey_clip, make_keys):
    job = flow_job(grey_clip, make_keys(0), tmp_path / "o.mkv", compare=True, wishes=Wishes("ffv1"))
    colorize(job)
    luma, chroma, _ = read_clip(job.output)
    assert np.array_equal(luma, np.concatenate([truth.luma, truth.luma], axis=2))
    assert (chroma[..., :96] == 128).all()
    assert chroma[:4, ..., 96:].std() > 5


def test_an_excerpt_keeps_the_numbers_of_the_clip(tmp_path, truth, grey_clip, make_keys):
    keys = make_keys(2, 8, 16)
    job = flow_job(grey_clip, keys, tmp_path / "o.mkv", start=5, stop=12, wishes=Wishes("ffv1"))
    outcome = colorize(job)
    luma, chroma, _ = read_clip(job.output)
    assert np.array_equal(luma, truth.luma[5:12])
    assert (outcome.frames, list(outcome.keys), outcome.unused) == (range(5, 12), [8], (2, 16))
    assert colour_error(chroma, truth, range(5, 12)) < 0.03


def test_pictures_of_a_sequence_have_the_numbers_in_their_names(tmp_path, truth):
    for number, luma in enumerate(truth.luma[:6], 1001):
        write_image(tmp_path / f"scan.{number}.png", luma)
    (tmp_path / "keys").mkdir()
    write_image(tmp_path / "keys" / "painted.1003.png", truth.rgb[2])
    (tmp_path / "out").mkdir()
    clip = tmp_path / "scan.%04d.png"
    outcome = colorize(flow_job(clip, tmp_path / "keys", tmp_path / "out" / "c.%04d.png"))
    names = sorted(path.name for path in (tmp_path / "out").glob("*.png"))
    assert names == [f"c.{number}.png" for number in range(1001, 1007)]
    assert outcome.frames == range(1001, 1007)
    assert list(outcome.keys) == [1003]


def test_the_picture_shows_grey_above_and_colour_below(tmp_path, truth, grey_clip, make_keys):
    picture = tmp_path / "p.png"
    colorize(flow_job(grey_clip, make_keys(0, truth.cut), tmp_path / "out.mkv", picture=picture))
    grey, colour = np.split(read_image(picture).astype(int), 2)
    assert np.ptp(grey, axis=2).max() <= 1
    assert np.abs(colour[:, :96] - truth.rgb[4]).mean() < 12


@pytest.mark.parametrize("suffix", [".png", ".tif", ".exr"])
def test_key_frames_may_be_deep_or_linear(tmp_path, truth, grey_clip, suffix):
    picture = truth.rgb[2] / 255
    if suffix == ".exr":
        picture = srgb_decode(picture).astype(np.float32)
    else:
        picture = np.rint(picture * 65535).astype(np.uint16)
    write_image(tmp_path / f"key_2{suffix}", picture)
    keys = tmp_path / f"key_2{suffix}"
    colorize(flow_job(grey_clip, keys, tmp_path / "out.mkv", wishes=Wishes("ffv1")))
    key = painted_key(truth.rgb[2], *truth.luma.shape[1:])
    chroma = dequantise_chroma(read_clip(tmp_path / "out.mkv")[1][2], 8, False)
    assert np.abs(chroma - key.chroma).max() < 1 / 112


def test_a_clip_of_one_frame_is_coloured(tmp_path, truth, make_keys):
    clip = write_clip(tmp_path / "clip.mkv", truth.luma[:1])
    colorize(flow_job(clip, make_keys(0), tmp_path / "out.mkv"))
    assert len(read_clip(tmp_path / "out.mkv")[0]) == 1


@pytest.mark.parametrize("size", [(63, 95), (64, 95), (33, 47)])
def test_odd_sizes_work(tmp_path, truth, size):
    lumas = truth.luma[:4, : size[0], : size[1]]
    clip = write_clip(tmp_path / "clip.mkv", lumas)
    write_image(tmp_path / "key_0.png", truth.rgb[0, : size[0], : size[1]])
    colorize(flow_job(clip, tmp_path / "key_0.png", tmp_path / "out.mp4", wishes=Wishes(crf=0)))
    assert np.array_equal(read_clip(tmp_path / "out.mp4")[0], lumas)


def test_variable_rates_are_kept(tmp_path, truth, make_keys):
    times = [Fraction(t, 100) for t in (0, 4, 9, 20, 22, 30)]
    layout = PlaneFormat(grey=True, matrix="bt709")
    info = VideoInfo(96, 64, layout, Fraction(20), Fraction(1, 100), variable_rate=True)
    clip = tmp_path / "clip.mkv"
    with create_video(clip, like=info, codec="ffv1") as writer:
        for index, time in enumerate(times):
            writer.write(Frame(index, time, truth.luma[index]))
    colorize(flow_job(clip, make_keys(0), tmp_path / "out.mkv"))
    with open_video(tmp_path / "out.mkv") as video:
        assert [frame.time for frame in video] == times
