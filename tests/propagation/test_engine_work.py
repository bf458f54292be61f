"""Work is kept, gone on with, and told of."""

import threading

import pytest
from small_clips import colour_error, flow_job, read_clip

from vidprop.errors import Interrupted
from vidprop.propagation import Progress, Wishes, colorize
from vidprop.propagation.flow import FlowPropagator


class _Counting(FlowPropagator):
    """Counts the stretches that are worked out, and may stop at one of them."""

    def __init__(self, fail_at=None):
        self.calls, self._fail_at = 0, fail_at

    def propagate(self, guides, before, after):
        self.calls += 1
        if self.calls == self._fail_at:
            raise Interrupted("stopped")
        return super().propagate(guides, before, after)


@pytest.fixture
def counting(monkeypatch):
    def use(propagator):
        from vidprop.propagation import methods

        made = methods.Method(propagator, "counted")
        monkeypatch.setitem(methods._METHODS, "flow", lambda weights, device: made)
        return propagator

    return use


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_an_interrupted_run_goes_on_to_the_same_bytes(
    tmp_path, grey_clip, make_keys, counting, suffix
):
    keys = make_keys(0, 5, 10, 16)
    counting(FlowPropagator())
    colorize(flow_job(grey_clip, keys, tmp_path / f"whole{suffix}"))
    broken = counting(_Counting(fail_at=3))
    job = flow_job(grey_clip, keys, tmp_path / f"parts{suffix}")
    with pytest.raises(Interrupted):
        colorize(job)
    assert not job.output.exists()
    rest = counting(_Counting())
    colorize(job)
    assert (broken.calls, rest.calls) == (3, 3)
    assert job.output.read_bytes() == (tmp_path / f"whole{suffix}").read_bytes()


def test_one_more_key_frame_costs_only_what_it_touches(tmp_path, grey_clip, make_keys, counting):
    first = counting(_Counting())
    colorize(flow_job(grey_clip, make_keys(0, 6, 16), tmp_path / "out.mkv"))
    second = counting(_Counting())
    job = flow_job(grey_clip, make_keys(0, 6, 10, 16), tmp_path / "out.mkv", overwrite=True)
    colorize(job)
    assert first.calls == 4
    assert second.calls == 2


def test_frames_are_written_while_their_stretch_is_worked_on(
    tmp_path, grey_clip, make_keys, counting
):
    written = threading.Event()

    class Waiting(FlowPropagator):
        def propagate(self, guides, before, after):
            for place, estimate in enumerate(super().propagate(guides, before, after)):
                if place == 5:
                    assert written.wait(30)
                yield estimate

    def tell(progress):
        if progress.stage == "write" and progress.done == 3:
            written.set()

    counting(Waiting())
    job = flow_job(grey_clip, make_keys(0), tmp_path / "out.mkv", stop=14)
    assert len(colorize(job, tell).frames) == 14


def test_another_method_does_not_take_over_the_work(tmp_path, grey_clip, make_keys, counting):
    job = flow_job(grey_clip, make_keys(0), tmp_path / "out.mkv", overwrite=True)
    colorize(job)
    other = counting(_Counting())
    colorize(job)
    assert other.calls == 1


def test_the_work_is_removed_where_it_is_not_wanted(tmp_path, grey_clip, make_keys):
    keys = make_keys(0)
    outcome = colorize(flow_job(grey_clip, keys, tmp_path / "out.mkv", keep_work=False))
    assert outcome.work is None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["keys", "out.mkv"]


def test_long_stretches_are_cut_and_handed_on(tmp_path, truth, grey_clip, make_keys, monkeypatch):
    monkeypatch.setattr("vidprop.propagation.engine._LONGEST_STRETCH", 4)
    monkeypatch.setattr("vidprop.propagation.engine._SHORTEST_STRETCH", 4)
    job = flow_job(grey_clip, make_keys(0, 16), tmp_path / "out.mkv", wishes=Wishes("ffv1"))
    outcome = colorize(job)
    assert colour_error(read_clip(job.output)[1], truth, range(24)) < 0.04
    assert outcome.confidence[13] < outcome.confidence[2]


def test_progress_is_told_of_every_stage(tmp_path, grey_clip, make_keys):
    told = []
    colorize(flow_job(grey_clip, make_keys(0), tmp_path / "out.mkv"), told.append)
    assert told[-1] == Progress("write", 24, 24)
    assert Progress("look", 24, 24) in told
    assert Progress("propagate", 14, 14) in told


def test_no_thread_is_left_behind(tmp_path, grey_clip, make_keys, counting):
    before = threading.active_count()
    counting(_Counting(fail_at=1))
    with pytest.raises(Interrupted):
        colorize(flow_job(grey_clip, make_keys(0), tmp_path / "out.mkv"))
    assert threading.active_count() == before


def test_ctrl_c_keeps_what_is_finished(tmp_path, grey_clip, make_keys):
    def interrupt(progress):
        if progress.stage == "write" and progress.done == 8:
            raise KeyboardInterrupt

    job = flow_job(grey_clip, make_keys(0, 3), tmp_path / "out.mkv")
    with pytest.raises(KeyboardInterrupt):
        colorize(job, interrupt)
    assert not job.output.exists()
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == []
    assert list((tmp_path / ".vidprop" / "out.mkv").glob("*.npz"))
