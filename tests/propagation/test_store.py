"""What is on the shelf is complete, and comes back as it was stored."""

import json

import numpy as np
import pytest

from vidprop.errors import EncodeError
from vidprop.propagation.contract import Carried, Trace
from vidprop.propagation.store import Store, work_folder, writing

STEP = 2**-11


@pytest.fixture
def edits():
    rng = np.random.default_rng(0)
    return [rng.uniform(-0.5, 0.5, (2, 5, 7)).astype(np.float32) for _ in range(4)]


def _filled(tmp_path, edits):
    store = Store(tmp_path / "work", STEP)
    trusts = [0.1, 0.2, 0.3, 0.4]
    store.save("name", map(Carried, edits, trusts))
    return store


def test_edits_come_back_to_half_a_step(tmp_path, edits):
    stretch = _filled(tmp_path, edits).load("name")
    for index, edit in enumerate(edits):
        assert np.abs(stretch.at(index).edit - edit).max() <= STEP / 2 + 1e-7
    assert np.allclose(stretch.confidence, [0.1, 0.2, 0.3, 0.4])


def test_what_was_stored_is_stored_again_without_loss(tmp_path, edits):
    store = _filled(tmp_path, edits)
    once = [store.load("name").at(index).edit for index in range(4)]
    store.save("again", (Carried(edit, 1.0) for edit in once))
    assert all(np.array_equal(store.load("again").at(i).edit, edit) for i, edit in enumerate(once))


def test_an_edit_is_the_same_before_and_after_it_was_stored(tmp_path, edits):
    store = _filled(tmp_path, edits)
    stretch = store.load("name")
    for index, edit in enumerate(edits):
        assert np.array_equal(store.rounded(Carried(edit, 1.0)).edit, stretch.at(index).edit)


def test_traces_come_back_to_a_32th_of_a_pixel(tmp_path, edits):
    store = Store(tmp_path, STEP)
    rng = np.random.default_rng(1)
    places = [rng.uniform(-90, 300, (5, 7, 2)).astype(np.float32) for _ in range(2)]
    traces = (Trace(3, places[0]), Trace(70, places[1]))
    store.save("name", [Carried(edits[0], 0.5, traces)])
    carried = store.load("name").at(0)
    assert [trace.number for trace in carried.traces] == [3, 70]
    for trace, place in zip(carried.traces, places, strict=True):
        assert np.abs(trace.positions - place).max() <= 1 / 64 + 1e-4
    assert np.abs(carried.edit - edits[0]).max() <= STEP / 2 + 1e-7
    rounded = store.rounded(Carried(edits[0], 0.5, traces))
    assert np.array_equal(rounded.traces[1].positions, carried.traces[1].positions)


def test_values_beyond_the_range_are_held_at_its_end(tmp_path):
    store = Store(tmp_path, 1.0)
    store.save("name", [Carried(np.array([[[1e9, -1e9, 3]]], np.float32), 1.0)])
    assert store.load("name").at(0).edit.tolist() == [[[32767, -32767, 3]]]


def test_nothing_is_there_until_a_stretch_is_finished(tmp_path, edits):
    store = Store(tmp_path / "work", STEP)

    def broken():
        yield Carried(edits[0], 1.0)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.save("name", broken())
    assert "name" not in store
    assert not list(tmp_path.rglob("*.npz*"))


@pytest.mark.parametrize("keep", [0, 10, 300])
def test_a_damaged_stretch_is_as_good_as_none(tmp_path, edits, keep):
    store = _filled(tmp_path, edits)
    path = next(store.folder.glob("*.npz"))
    path.write_bytes(path.read_bytes()[:keep])
    assert "name" not in store
    assert not path.exists()


def test_only_what_a_plan_needs_is_kept(tmp_path, edits):
    store = _filled(tmp_path, edits)
    store.save("other", [Carried(edits[0], 1.0)])
    store.keep_only(["other"])
    assert "name" not in store
    assert "other" in store


def test_the_folder_goes_away_with_the_one_around_it(tmp_path, edits):
    store = Store(work_folder(tmp_path / "out.mp4"), STEP)
    store.save("name", [Carried(edits[0], 1.0)])
    assert store.size() > 0
    store.remove()
    assert list(tmp_path.iterdir()) == []


def test_the_manifest_says_what_the_folder_is_for(tmp_path):
    store = Store(tmp_path / "work", STEP)
    store.write_manifest({"input": "a.mp4"})
    assert json.loads((store.folder / "manifest.json").read_text()) == {"input": "a.mp4"}


def test_outputs_with_a_pattern_have_a_work_folder_too(tmp_path):
    assert work_folder(tmp_path / "%05d.png") == tmp_path / ".vidprop" / "05d.png"


def test_a_file_takes_its_name_only_when_it_is_whole(tmp_path):
    path = tmp_path / "report.html"
    path.write_text("old")

    def half_done():
        with writing(path) as temporary:
            temporary.write_text("new")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half_done()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_may_not_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(EncodeError, match="file"), writing(tmp_path / "file" / "x.html"):
        pass
