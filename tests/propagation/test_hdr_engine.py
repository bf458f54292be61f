"""HDR from file to file: values, primaries and metadata as other readers see them."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import imageio_ffmpeg
import numpy as np
import OpenEXR
import pytest
from small_clips import write_clip

from vidprop.color.matrices import BT709, BT2020, convert_primaries, rgb_to_ycbcr, ycbcr_to_rgb
from vidprop.color.quantisation import dequantise, quantise_chroma, quantise_luma
from vidprop.color.transfer import hlg_decode, pq_decode, srgb_encode
from vidprop.edits.hdr_display import DisplayScale
from vidprop.edits.keyfiles import KeyFile, key_files
from vidprop.errors import DecodeError, EncodeError, InputError, KeyFrameError
from vidprop.propagation import Wishes
from vidprop.propagation.hdr_engine import expand
from vidprop.propagation.hdr_job import HdrJob
from vidprop.video import PlaneFormat, read_exr, write_exr, write_image

FRAMES = 7
LAYOUT = PlaneFormat(bit_depth=8, subsampling=(0, 0), matrix="bt709")
SCALE = 20.0


@dataclass(frozen=True)
class Truth:
    """A pan over stops [T, 64, 96, 3] seen by an sRGB camera, and the clip it made."""

    stops: np.ndarray
    clip: Path

    def radiance(self, frame: int) -> np.ndarray:
        return np.exp2(self.stops[frame]) * np.float32(SCALE)


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Truth:
    noise = np.random.default_rng(5).normal(0, 5, (90, 160, 3))
    scene = cv2.GaussianBlur(noise, None, 5).astype(np.float32) * 4 - 2
    scene = 0.3 * scene + 0.7 * scene.mean(axis=-1, keepdims=True)
    stops = np.stack([scene[10:74, 20 + 2 * t : 116 + 2 * t] for t in range(FRAMES)])
    ycbcr = rgb_to_ycbcr(srgb_encode(np.clip(np.exp2(stops), 0, 1)))
    luma = quantise_luma(ycbcr[..., 0], 8, False)
    chroma = quantise_chroma(np.moveaxis(ycbcr[..., 1:], -1, 1), 8, False)
    path = tmp_path_factory.mktemp("hdr") / "ldr.mkv"
    return Truth(stops, write_clip(path, luma, np.ascontiguousarray(chroma), layout=LAYOUT))


def job(truth: Truth, output: Path, numbers: tuple[int, ...] = (0, 6), **wishes: object) -> HdrJob:
    for number in numbers:
        path = output.parent / f"key_{number:05d}.exr"
        if not path.exists():
            write_exr(path, truth.radiance(number))
    keys = tuple(KeyFile(output.parent / f"key_{n:05d}.exr", n) for n in numbers)
    settings = {"method": "flow", "size": 64, "keep_work": False} | wishes
    return HdrJob(input=truth.clip, output=output, keys=keys, **settings)  # type: ignore[arg-type]


def header_text(path: Path) -> str:
    """What ffmpeg says of a file."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-i", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stderr


def decoded(path: Path) -> np.ndarray:
    """YCbCr codes [T, H, W, 3] of a file, enlarged to 4:4:4, by PyAV."""
    with av.open(str(path)) as container:
        frames = [f.to_ndarray(format="yuv444p16le") for f in container.decode(video=0)]
    return np.stack(frames) >> 6


def test_exr_holds_the_radiance_of_the_scene(tmp_path: Path, truth: Truth) -> None:
    outcome = expand(job(truth, tmp_path / "out_%04d.exr"))
    assert len(outcome.frames) == FRAMES
    for frame in range(FRAMES):
        with OpenEXR.File(str(tmp_path / f"out_{frame:04d}.exr")) as file:
            pixels = file.channels()["RGB"].pixels
            assert file.header()["chromaticities"] == pytest.approx(
                (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290)
            )
        assert pixels.dtype == np.float16
        error = np.abs(np.log2(pixels.astype(np.float32)) - np.log2(truth.radiance(frame)))
        assert np.median(error) < 0.05
        assert error[truth.stops[frame] > 0.2].mean() < 0.3


def test_key_frames_come_out_as_they_went_in(tmp_path: Path, truth: Truth) -> None:
    expand(job(truth, tmp_path / "%d.exr"))
    for number in (0, 6):
        written = read_exr(tmp_path / f"{number}.exr").pixels
        np.testing.assert_allclose(written, truth.radiance(number), rtol=2e-3)


def test_files_keep_the_primaries_of_the_key_frames(tmp_path: Path, truth: Truth) -> None:
    wide = convert_primaries(truth.radiance(0), BT709, BT2020)
    write_exr(tmp_path / "key_00000.exr", wide, chromaticities=BT2020)
    expand(job(truth, tmp_path / "%d.exr", (0,)))
    image = read_exr(tmp_path / "3.exr")
    assert image.chromaticities == BT2020
    expected = np.log2(convert_primaries(truth.radiance(3), BT709, BT2020))
    assert np.median(np.abs(np.log2(image.pixels) - expected)) < 0.1


def test_exposures_of_key_frames_are_reported(tmp_path: Path, truth: Truth) -> None:
    write_exr(tmp_path / "key_00006.exr", truth.radiance(6) * 4)
    outcome = expand(job(truth, tmp_path / "%d.exr"))
    assert outcome.exposures[0].stops == (0, 0, 0)
    assert outcome.exposures[6].stops == pytest.approx((2, 2, 2), abs=0.05)
    assert max(e.error for e in outcome.exposures.values()) < 0.05
    assert outcome.white == pytest.approx(SCALE, rel=0.05)


def test_hdr10_is_tagged_and_its_light_is_measured(tmp_path: Path, truth: Truth) -> None:
    outcome = expand(job(truth, tmp_path / "out.mp4", wishes=Wishes(crf=4)))
    text = header_text(tmp_path / "out.mp4")
    assert "hevc (Main 10) (hvc1" in text
    assert "yuv420p10le(tv, bt2020nc/bt2020/smpte2084" in text
    assert "max_luminance=1000.000000" in text
    light = re.search(r"MaxCLL=(\d+), MaxFALL=(\d+)", text)
    assert light is not None
    assert (int(light[1]), int(light[2])) == (outcome.max_cll, outcome.max_fall)
    nits = pq_decode(_rgb(decoded(tmp_path / "out.mp4")))
    largest = nits.max(axis=-1)
    assert outcome.max_cll == pytest.approx(largest.max(), rel=0.15)
    assert outcome.max_fall == pytest.approx(largest.mean(axis=(1, 2)).max(), rel=0.05)


@pytest.mark.parametrize("transfer", ["pq", "hlg"])
def test_video_shows_the_scene_at_its_absolute_scale(
    tmp_path: Path, truth: Truth, transfer: str
) -> None:
    given = job(truth, tmp_path / "out.mkv", transfer=transfer, white=SCALE, wishes=Wishes("ffv1"))
    expand(given)
    rgb = _rgb(decoded(tmp_path / "out.mkv"))
    expected = DisplayScale(0.0).nits(truth.stops[3])
    signal = DisplayScale(0.0).signal(expected, transfer)  # type: ignore[arg-type]
    assert np.median(np.abs(rgb[3] - signal)) < 0.006
    tag = {"pq": "smpte2084", "hlg": "arib-std-b67"}[transfer]
    assert f"bt2020nc/bt2020/{tag}" in header_text(tmp_path / "out.mkv")
    assert np.isfinite(hlg_decode(rgb)).all()


def test_prores_is_tagged(tmp_path: Path, truth: Truth) -> None:
    expand(job(truth, tmp_path / "out.mov", wishes=Wishes("prores")))
    text = header_text(tmp_path / "out.mov")
    assert "prores" in text
    assert "yuv422p10le(tv, bt2020nc/bt2020/smpte2084" in text


def test_peak_and_white_set_the_light(tmp_path: Path, truth: Truth) -> None:
    dim = expand(job(truth, tmp_path / "out.mp4", peak_nits=400, white_nits=100, numbers=(0,)))
    assert dim.max_cll <= 400
    assert "max_luminance=400.000000" in header_text(tmp_path / "out.mp4")


def test_broken_radiance_becomes_numbers(tmp_path: Path, truth: Truth) -> None:
    broken = truth.radiance(0).copy()
    broken[:4, :4], broken[4:8, :4] = np.nan, np.inf
    broken[8:12, :4], broken[12:16, :4] = -1, 0
    OpenEXR.File({}, {"RGB": broken}).write(str(tmp_path / "key_00000.exr"))
    expand(job(truth, tmp_path / "%d.exr"))
    for frame in range(FRAMES):
        assert np.isfinite(read_exr(tmp_path / f"{frame}.exr").pixels).all()


def test_what_halves_cannot_hold_ends_at_their_largest(tmp_path: Path, truth: Truth) -> None:
    bright = truth.radiance(0) * 1e5
    write_exr(tmp_path / "key_00000.exr", bright, half=False)
    expand(job(truth, tmp_path / "%d.exr", (0,)))
    pixels = read_exr(tmp_path / "2.exr").pixels
    assert np.isfinite(pixels).all()
    assert pixels.max() == 65504


def test_radiance_files_are_key_frames_too(tmp_path: Path, truth: Truth) -> None:
    write_image(tmp_path / "key_00000.hdr", truth.radiance(0))
    keys = key_files([tmp_path / "key_00000.hdr"])
    outcome = expand(
        HdrJob(input=truth.clip, output=tmp_path / "%d.exr", keys=keys, method="flow", size=64)
    )
    assert outcome.exposures[0].error < 0.05


def test_a_key_frame_without_number_is_found(tmp_path: Path, truth: Truth) -> None:
    write_exr(tmp_path / "unnamed.exr", truth.radiance(4))
    keys = key_files([tmp_path / "unnamed.exr"])
    outcome = expand(
        HdrJob(input=truth.clip, output=tmp_path / "%d.exr", keys=keys, method="flow", size=64)
    )
    assert outcome.found == {tmp_path / "unnamed.exr": 4}


def test_finished_work_is_used_again(tmp_path: Path, truth: Truth) -> None:
    first = expand(job(truth, tmp_path / "%d.exr", keep_work=True))
    assert first.work is not None
    times = {path: path.stat().st_mtime_ns for path in first.work[0].glob("*.npz")}
    again = expand(job(truth, tmp_path / "%d.exr", keep_work=True, overwrite=True))
    assert again.work is not None
    assert times
    assert times == {path: path.stat().st_mtime_ns for path in again.work[0].glob("*.npz")}


def test_report_and_picture(tmp_path: Path, truth: Truth) -> None:
    given = job(truth, tmp_path / "%d.exr", report=tmp_path / "r.html", picture=tmp_path / "p.png")
    outcome = expand(given)
    assert "<svg" in (tmp_path / "r.html").read_text()
    assert (tmp_path / "p.png").stat().st_size > 1000
    assert outcome.confidence[0] == outcome.confidence[6] == 1


@pytest.mark.parametrize(
    ("key", "error", "message"),
    [
        (np.ones((32, 48, 3), np.float32), KeyFrameError, "48x32 is smaller than the clip, 96x64"),
        (np.ones((96, 96, 3), np.float32), KeyFrameError, "has another shape than the clip"),
        (np.ones((64, 96), np.float32), KeyFrameError, "R, G and B is needed"),
        (np.zeros((64, 96, 3), np.float32), KeyFrameError, "holds no light"),
    ],
)
def test_key_frames_that_do_not_fit(
    tmp_path: Path, truth: Truth, key: np.ndarray, error: type, message: str
) -> None:
    write_exr(tmp_path / "key_00000.exr", key)
    with pytest.raises(error, match=message):
        expand(job(truth, tmp_path / "%d.exr"))
    assert not list(tmp_path.glob("[0-9].exr"))


def test_a_key_frame_of_another_picture_is_refused(tmp_path: Path, truth: Truth) -> None:
    write_exr(tmp_path / "key_00000.exr", truth.radiance(0)[::-1, ::-1])
    with pytest.raises(KeyFrameError, match="does not show what frame 0 of the clip shows"):
        expand(job(truth, tmp_path / "%d.exr"))


def test_files_without_colour_channels_or_light(tmp_path: Path, truth: Truth) -> None:
    OpenEXR.File({}, {"Z": np.ones((64, 96), np.float32)}).write(str(tmp_path / "key_00000.exr"))
    with pytest.raises(DecodeError, match="no channels R, G and B"):
        expand(job(truth, tmp_path / "%d.exr"))
    write_image(tmp_path / "key_00003.png", np.zeros((64, 96, 3), np.uint8))
    with pytest.raises(KeyFrameError, match="an HDR picture is needed, EXR or Radiance"):
        expand(
            HdrJob(
                input=truth.clip,
                output=tmp_path / "%d.exr",
                keys=key_files([tmp_path / "key_00003.png"]),
                method="flow",
            )
        )


def test_outputs_that_cannot_be(tmp_path: Path, truth: Truth) -> None:
    with pytest.raises(EncodeError, match=r"HDR pictures are written as \.exr"):
        expand(job(truth, tmp_path / "%d.png"))
    with pytest.raises(EncodeError, match="10 bits or more, not 8"):
        expand(job(truth, tmp_path / "out.mkv", wishes=Wishes("ffv1", pix_fmt="yuv420p")))
    (tmp_path / "3.exr").write_bytes(b"")
    with pytest.raises(EncodeError, match="1 such pictures exist already"):
        expand(job(truth, tmp_path / "%d.exr"))


def test_wishes_that_make_no_sense(tmp_path: Path, truth: Truth) -> None:
    with pytest.raises(KeyFrameError, match="key frames: none given"):
        job(truth, tmp_path / "%d.exr", ())
    with pytest.raises(InputError, match="white: a radiance above 0"):
        job(truth, tmp_path / "%d.exr", white=-1.0)
    with pytest.raises(InputError, match="start: frames are counted from 0"):
        job(truth, tmp_path / "%d.exr", start=-1)
    with pytest.raises(InputError, match="end: must lie after the start"):
        job(truth, tmp_path / "%d.exr", start=5, stop=5)
    with pytest.raises(KeyFrameError, match="no key frame lies within frames 2 to 4"):
        expand(job(truth, tmp_path / "%d.exr", start=2, stop=5))


def _rgb(codes: np.ndarray) -> np.ndarray:
    """R'G'B' 0..1 of limited-range 10-bit BT.2020 codes."""
    return np.clip(ycbcr_to_rgb(dequantise(codes, 10, False), "bt2020"), 0, 1)
