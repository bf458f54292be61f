"""A virtual camera shows what is there, where it is, and as a real camera would."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import OpenEXR
import pytest

from vidprop.color.transfer import srgb_encode
from vidprop.errors import DecodeError, InputError
from vidprop.training import virtual_camera as vc
from vidprop.training import virtual_scene as vs
from vidprop.training.virtual_path import CameraPath, Motion
from vidprop.training.virtual_sensor import Codec, Response, Sensor, random_response

SIZE = (64, 96)
RAW = Codec("", 0)


def panorama(seed: int = 0) -> np.ndarray:
    """Smooth random radiance over seven octaves with a small sun."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(-5, 2, (16, 32, 3)).repeat(16, 0).repeat(16, 1)
    coarse[60:66, 100:106] = 12
    return np.exp2(coarse).astype(np.float32)


def srgb_sensor() -> Sensor:
    light = np.linspace(0, 1, 1 << 16) ** 2
    table = np.rint(255 * srgb_encode(light)).astype(np.uint8)
    return Sensor(Response(np.stack([table] * 3)), np.ones(3), np.eye(3), 0, 0, 0.1, 0, 5, 0)


@pytest.fixture
def scenes(tmp_path: Path) -> list[Path]:
    for number in range(3):
        pixels = panorama(number) if number < 2 else panorama(2)[:, :300]
        header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
        OpenEXR.File(header, {"RGB": np.ascontiguousarray(pixels)}).write(
            str(tmp_path / f"{number}.exr")
        )
    return vs.find_scenes(tmp_path)


@pytest.mark.parametrize("yaw", [-3.0, 0.0, 1.2])
@pytest.mark.parametrize("pitch", [-0.3, 0.4])
def test_the_middle_of_a_frame_looks_where_the_camera_points(yaw: float, pitch: float) -> None:
    size = (65, 97)
    view = vs.View(yaw, pitch, 0.1, 60.0)
    x, y = vs.refine(vs.Panorama(panorama()).grid(view, size), size)[32, 48]
    assert (x + 0.5) / 512 == pytest.approx(yaw / (2 * np.pi) + 0.5, abs=1e-3)
    assert (y + 0.5) / 256 == pytest.approx(0.5 - pitch / np.pi, abs=1e-3)


def test_interpolated_rays_are_close_to_exact_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    view, backdrop = vs.View(0.3, 0.3, 0.1, 60.0), vs.Panorama(panorama())
    fast = vs.refine(backdrop.grid(view, SIZE), SIZE)
    monkeypatch.setattr(vs, "GRID", 1)
    exact = backdrop.grid(view, SIZE)[: SIZE[0], : SIZE[1]]
    assert np.abs(fast - exact).max() < 0.25


@pytest.mark.parametrize("kind", [vs.Panorama, vs.Photograph])
def test_turning_right_moves_the_scene_left(kind: type) -> None:
    backdrop = kind(panorama())
    one, other = (backdrop.grid(vs.View(y, 0, 0, 200.0), SIZE)[4, 4, 0] for y in (0.0, 0.1))
    assert other > one


def test_a_panorama_goes_on_over_its_seam() -> None:
    wave = np.cos(np.linspace(-np.pi, np.pi, 512, endpoint=False) + np.pi / 512)
    smooth = np.broadcast_to(wave[None, :, None] + 2, (256, 512, 3))
    backdrop = vs.Panorama(smooth)
    frame = backdrop.sample(vs.refine(backdrop.grid(vs.View(np.pi, 0, 0, 60.0), SIZE), SIZE))
    assert np.abs(np.diff(frame, axis=1)).max() < 0.03


def test_the_same_seed_gives_the_same_shot(scenes: list[Path]) -> None:
    config = vc.ShotConfig(SIZE, frames=4)
    shots = [vc.render_shot(np.random.default_rng(s), scenes, config) for s in (5, 5, 6)]
    for name in ("ldr", "radiance", "exposure", "clipped", "crushed"):
        one, same, other = (getattr(shot, name) for shot in shots)
        np.testing.assert_array_equal(one, same)
        assert one.shape == other.shape
    assert not np.array_equal(shots[0].radiance, shots[2].radiance)


@pytest.mark.parametrize("seed", range(6))
def test_shots_are_sane(scenes: list[Path], seed: int) -> None:
    shot = vc.render_shot(np.random.default_rng(seed), scenes, vc.ShotConfig(SIZE, frames=3))
    assert shot.ldr.shape == shot.radiance.shape == (3, *SIZE, 3)
    assert shot.ldr.dtype == np.uint8
    assert np.isfinite(shot.radiance).all()
    assert (shot.radiance >= 0).all()
    assert np.isfinite(shot.exposure).all()
    assert 0.05 < shot.ldr.mean() / 255 < 0.95
    assert not (shot.clipped & shot.crushed).any()


def test_without_noise_codes_follow_radiance_by_the_curve(scenes: list[Path]) -> None:
    config = vc.ShotConfig(SIZE, frames=2)
    shot = vc.render_shot(np.random.default_rng(1), scenes, config, srgb_sensor(), RAW)
    exposed = np.clip(shot.radiance * np.exp2(shot.exposure)[:, None, None, None], 0, 1)
    expected = 255 * srgb_encode(exposed)
    assert np.abs(shot.ldr - expected).max() < 0.6
    assert (shot.ldr[shot.clipped] == 255).all()
    assert (shot.ldr[shot.crushed] <= 1).all()


def test_the_share_asked_for_is_clipped(scenes: list[Path]) -> None:
    sensor = replace(srgb_sensor(), clipped_share=0.2)
    config = vc.ShotConfig(SIZE, frames=1, cut_outs=0)
    shot = vc.render_shot(np.random.default_rng(2), scenes, config, sensor, RAW)
    assert shot.clipped.any(axis=-1).mean() == pytest.approx(0.2, abs=0.03)


def test_a_pure_colour_is_never_less_than_dark() -> None:
    mixing = np.float32([[1.2, -0.1, -0.1], [-0.1, 1.2, -0.1], [-0.1, -0.1, 1.2]])
    sensor = replace(srgb_sensor(), mixing=mixing)
    light = sensor.light(np.full((8, 8, 3), np.float32([10, 0, 0])))
    assert light.min() == 0
    np.testing.assert_allclose(light[..., 0], 12, rtol=1e-5)
    assert np.isfinite(sensor.exposures([light, light], np.random.default_rng(0))).all()


def test_automatic_exposure_takes_back_a_change_of_light() -> None:
    lights = [np.full((8, 8, 3), 2.0 ** (t > 2), np.float32) for t in range(60)]
    sensor = replace(srgb_sensor(), adaptation=0.5, lag=3.0)
    stops = sensor.exposures(lights, np.random.default_rng(0))
    assert stops[2] == stops[0]
    assert stops[-1] - stops[0] == pytest.approx(-0.5, abs=0.01)
    assert (np.diff(stops) <= 0).all()


@pytest.mark.parametrize("seed", range(8))
def test_responses_rise(seed: int) -> None:
    table = random_response(np.random.default_rng(seed)).table.astype(int)
    assert (np.diff(table, axis=1) >= 0).all()
    assert (np.ptp(table, axis=1) > 200).all()


@pytest.mark.parametrize("name", ["libx264", "libx265", ""])
def test_codecs_keep_colours_in_the_mean(name: str) -> None:
    rng = np.random.default_rng(0)
    patches = rng.integers(20, 235, (4, 6, 3)).repeat(16, 0).repeat(16, 1).astype(np.uint8)
    degraded = Codec(name, 12).degrade([patches] * 3)
    assert len(degraded) == 3
    difference = degraded[1].astype(float) - patches
    inner = difference.reshape(4, 16, 6, 16, 3)[:, 4:12, :, 4:12].mean(axis=(1, 3))
    assert np.abs(inner).max() < 3.5


def test_paths_are_smooth_and_bounded() -> None:
    path = CameraPath(np.random.default_rng(0), 4.0, Motion(0.5, 0.5, 0.3, 0.5, 0.0))
    times = np.linspace(0, 4, 400)
    poses = path(times)
    for values in (poses.yaw, poses.pitch, poses.roll, poses.zoom):
        assert np.abs(np.diff(values, 2)).max() < 1e-3
    assert np.abs(poses.pitch).max() <= 0.35
    assert poses.yaw[0] == 0


def test_radiance_is_mended_and_brought_to_middle_grey(tmp_path: Path) -> None:
    pixels = panorama()
    pixels[0, 0] = (np.nan, -1.0, np.inf)
    OpenEXR.File({}, {"RGB": pixels}).write(str(tmp_path / "a.exr"))
    radiance = vs.load_radiance(tmp_path / "a.exr")
    assert np.isfinite(radiance).all()
    assert (radiance >= 0).all()
    assert vs.geometric_mean(radiance) == pytest.approx(vs.MIDDLE_GREY, rel=1e-3)


def test_errors_name_the_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no \.exr files below"):
        vs.find_scenes(tmp_path)
    (tmp_path / "broken.exr").write_bytes(b"not an image")
    with pytest.raises(DecodeError, match=r"broken\.exr"):
        vs.load_radiance(tmp_path / "broken.exr")
