from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import torch

from vidprop.errors import InputError
from vidprop.networks.spatial import SpatialConfig
from vidprop.training import stills
from vidprop.training.loop import LoopConfig, Run, train
from vidprop.training.sparse import SparseConfig, SparseTask

SMALL = SpatialConfig(units=((4, 6), (4, 6)), features=6)


def picture(seed: int, height: int = 40, width: int = 56) -> np.ndarray:
    """Smooth colours whose chroma the luma does not tell."""
    noise = np.random.default_rng(seed).integers(0, 255, (5, 7, 3)).astype(np.uint8)
    return cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    (folder / "photos" / "train").mkdir(parents=True)
    (folder / "clips" / "train").mkdir(parents=True)
    for index, name in enumerate(["cat-1", "cat-2", "cat-3", "sea", "hill"]):
        file = folder / "photos" / "train" / f"{name}.webp"
        cv2.imwrite(str(file), picture(index)[..., ::-1])
    with av.open(str(folder / "clips" / "train" / "walk.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=25, width=56, height=40)
        for index in range(20):
            frame = av.VideoFrame.from_ndarray(picture(index), "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return folder


def config(data: Path, **changes: object) -> SparseConfig:
    values = {"network": SMALL, "batch": 3, "crop": 32, "hold_out": 1, "cap": 1} | changes
    return SparseConfig(data, **values)  # type: ignore[arg-type]


def test_sets_are_capped_and_clips_have_their_share(data: Path) -> None:
    train_on, apart = SparseTask(config(data, hold_out=0, clips=0.5)).stills
    assert len(train_on) == 5 + 2
    assert train_on.shares.sum() == pytest.approx(1)
    assert train_on.shares[-2:] == pytest.approx([0.25, 0.25])
    assert train_on.shares[:5] == pytest.approx([0.5 / 9] * 3 + [0.5 / 3] * 2)
    assert len(apart) == 0


def test_pictures_kept_apart_are_not_trained_on(data: Path) -> None:
    train_on, apart = SparseTask(config(data, hold_out=2)).stills
    assert len(apart) == 2
    for held in apart.pictures:
        assert not any(np.array_equal(held, seen) for seen in train_on.pictures)


def test_pictures_are_shrunk_to_the_short_side(data: Path) -> None:
    train_on, _ = SparseTask(config(data, lines=20)).stills
    assert {p.shape[:2] for p in train_on.pictures} == {(20, 28)}


def test_a_batch_depends_on_seed_and_step_alone(data: Path) -> None:
    one, other = SparseTask(config(data)), SparseTask(config(data))
    one.batch(0)
    for name, tensor in one.batch(5).items():
        assert torch.equal(tensor, other.batch(5)[name])
        assert not torch.equal(tensor, other.batch(6)[name]) or name == "mask"
    assert not torch.equal(one.batch(5)["luma"], SparseTask(config(data, seed=1)).batch(5)["luma"])


@pytest.mark.parametrize(
    "kind",
    [
        {"typical": 1.0, "scribbled": 0.0, "painted": 0.0},
        {"typical": 1.0, "scribbled": 0.0, "painted": 0.0, "superpixels": True},
        {"typical": 0.0, "scribbled": 1.0, "painted": 0.0},
        {"typical": 0.0, "scribbled": 0.0, "painted": 1.0},
        {"typical": 0.0, "scribbled": 0.0, "painted": 0.0, "worn": 1.0},
    ],
    ids=["points", "superpixels", "scribbles", "paint", "worn, any density"],
)
def test_hints_are_near_the_truth_where_they_are_given(data: Path, kind: dict[str, object]) -> None:
    task = SparseTask(config(data, batch=8, **kind))
    batch = task.batch(0)
    assert batch["luma"].shape == (8, 1, 32, 32)
    assert batch["hints"].shape == batch["chroma"].shape == (8, 2, 16, 16)
    assert 0 < batch["mask"].mean() < 0.8
    difference = ((batch["hints"] - batch["chroma"]) * (batch["mask"] > 0.5)).abs()
    assert difference.max() < 0.2
    assert not batch["hints"][(batch["mask"] == 0).expand_as(batch["hints"])].any()


def test_planes_and_rgb_are_inverse() -> None:
    luma, chroma = stills.planes(picture(0))
    from vidprop.training.sparse import to_rgb

    back = to_rgb(
        torch.from_numpy(luma)[None, None], torch.from_numpy(chroma.transpose(2, 0, 1))[None]
    )
    assert torch.allclose(
        back[0].permute(1, 2, 0), torch.from_numpy(picture(0)).float() / 255, atol=1e-3
    )


def test_a_crop_shows_the_scale_asked_for() -> None:
    ramp = np.repeat(np.arange(100, dtype=np.uint8)[None, :, None], 100, 0).repeat(3, 2)
    random = np.random.default_rng(0)
    for _ in range(5):
        crop = stills.random_crop(ramp, 25, (2.0, 2.0), random)[..., 0].astype(int)
        assert abs(int(crop[0, -1]) - int(crop[0, 0])) == pytest.approx(48, abs=2)


def test_the_error_of_chroma_is_that_of_rgb_with_luma_kept() -> None:
    from vidprop.color.matrices import ycbcr_to_rgb
    from vidprop.training.sparse import rgb_error

    difference = np.array([0.03, -0.05])
    expected = ycbcr_to_rgb(np.array([0.5, *difference])) - 0.5
    error = rgb_error(torch.tensor(difference).reshape(1, 2, 1, 1))
    assert error.flatten().tolist() == pytest.approx(list(expected**2), rel=1e-3)


def test_steps_on_one_batch_lower_its_loss(data: Path) -> None:
    torch.manual_seed(0)
    task = SparseTask(config(data))
    network, batch = task.network(), task.batch(0)
    optimiser = torch.optim.Adam(network.parameters(), 3e-3)
    losses = []
    for _ in range(20):
        loss, metrics = task.loss(network, batch)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    assert np.isfinite(metrics["psnr"])


def test_a_run_goes_on_where_it_was_killed(data: Path, tmp_path: Path) -> None:
    loop = LoopConfig(steps=4, warmup=1, half=False, validate_every=4, checkpoint_every=2)
    task = SparseTask(config(data))
    whole = Run(task, loop, tmp_path / "whole")
    figures = train(whole)
    assert list(figures) == ["psnr", "psnr_30", "psnr_3000"]
    killed = Run(task, loop, tmp_path / "killed")
    killed.advance()
    killed.advance()
    killed.save()
    again = Run(task, loop, tmp_path / "killed")
    train(again)
    for name, value in whole.network.state_dict().items():
        assert torch.equal(value, again.network.state_dict()[name]), name


def test_the_sheet_has_a_row_a_picture(data: Path) -> None:
    task = SparseTask(config(data, hold_out=2))
    sheet = task.sheet(task.network())
    assert sheet.dtype == np.uint8
    assert sheet.shape == (2 * 192, 864, 3)


def test_data_without_photographs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"data must hold over 1 photos/train/\*\.webp"):
        _ = SparseTask(config(tmp_path)).stills
