"""The benchmark refuses to time what is wrong, and says what it counts."""

import json

import pytest
import torch

from vidprop.apps import _bench_cpu, _bench_cuda, _bench_gate, bench_scan
from vidprop.apps._bench_loop import propagate_loop, scan_loop, scan_loop_training
from vidprop.apps._bench_rows import Problem, Report, Rival, table
from vidprop.ops.scan import Direction, _cuda_launch, scan
from vidprop.ops.scan._reference import propagate_reference, scan_reference

FEW = ((1, 2, 3, 5),)


@pytest.fixture
def hurried(monkeypatch):
    """One tiny problem for the gate, one call for each time."""
    monkeypatch.setattr(_bench_gate, "_SIZES", FEW)
    monkeypatch.setitem(_bench_gate._DTYPES, "cpu", (torch.float32,))
    usual = _bench_cpu.shortest
    monkeypatch.setattr(_bench_cpu, "shortest", lambda call, patience=0.0: usual(call, 0.0))


def test_quick_run_prints_a_table_and_writes_json(hurried, tmp_path, capsys):
    threads = torch.get_num_threads()
    try:
        arguments = ["--device", "cpu", "--quick", "--threads", "2"]
        assert bench_scan.main([*arguments, "--json", str(tmp_path / "all.json")]) == 0
    finally:
        torch.set_num_threads(threads)
    told = capsys.readouterr().out
    assert told.index("equal the definition") < told.index("GB/s") < told.index("times faster")
    (record,) = json.loads((tmp_path / "all.json").read_text())
    assert record["bandwidth"] > 0
    assert {row["what"] for row in record["rows"]} >= {"four, largest", "four, forward + backward"}
    for row in record["rows"]:
        expected = row["seconds"] * record["bandwidth"] / row["bytes"]
        assert row["times_copy"] == pytest.approx(expected)
    assert all(row["faster"] > 0 for row in record["rivals"])


def test_a_wrong_result_stops_it_before_any_time(hurried, monkeypatch, capsys):
    monkeypatch.setattr(_bench_gate, "scan", lambda *a, **k: scan(*a, **k) * 1.001)
    monkeypatch.setattr(_bench_cpu, "measure", lambda quick: pytest.fail("timed"))
    assert bench_scan.main(["--device", "cpu", "--quick"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("bench_scan: scan LEFT_TO_RIGHT [1, 2, 3, 5] G=C torch.float32 on cpu")
    assert error.count("\n") == 1


def test_a_wrong_gradient_is_noticed(hurried, monkeypatch):
    def wrong(x, p, way, share=None, *, limit=False):
        return scan(x, p, way, share, limit=limit) + 0.01 * (p - p.detach()).mean()

    monkeypatch.setattr(_bench_gate, "scan", wrong)
    with pytest.raises(_bench_gate.WrongResultError, match="gradient 1 is off"):
        _bench_gate.run("cpu")


def test_a_result_that_is_no_number_is_noticed(hurried, monkeypatch):
    monkeypatch.setattr(_bench_gate, "propagate", lambda x, *a, **k: x * float("nan"))
    with pytest.raises(_bench_gate.WrongResultError, match="propagate, largest"):
        _bench_gate.run("cpu")


@pytest.mark.parametrize("arguments", [["--device", "tpu"], ["--threads", "0"], ["what"]])
def test_wrong_usage_exits_2(arguments):
    assert bench_scan.main(arguments) == 2


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_no_card_is_one_line(capsys):
    assert bench_scan.main(["--device", "cuda"]) == 1
    assert "torch finds none" in capsys.readouterr().err


def test_a_folder_that_is_not_there_is_told_at_once(capsys, tmp_path):
    assert bench_scan.main(["--json", str(tmp_path / "no" / "a.json")]) == 1
    assert "--json must be in a folder" in capsys.readouterr().err


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("way", Direction)
def test_the_loop_is_a_scan(way, shared):
    g = torch.Generator().manual_seed(1)
    x = torch.randn(2, 3, 5, 7, generator=g)
    p = torch.rand(2, 1 if shared else 3, 3, 5, 7, generator=g) / 3
    expected = scan_reference(x, p, way)
    for loop in (scan_loop, scan_loop_training):
        torch.testing.assert_close(loop(x, p, way), expected)


def test_the_loop_of_four_is_a_propagation():
    g = torch.Generator().manual_seed(1)
    x, p = torch.randn(1, 2, 6, 4, generator=g), torch.rand(1, 4, 2, 3, 6, 4, generator=g) / 3
    expected = propagate_reference(x, p)
    torch.testing.assert_close(propagate_loop(x, p), expected)
    with torch.no_grad():
        torch.testing.assert_close(propagate_loop(x, p), expected)


def test_bytes_count_every_tensor_once():
    plane = 32 * 256 * 512 * 4
    each, shared = (Problem((1, 32, 256, 512), share) for share in (False, True))
    assert each.forward_bytes(4) == 17 * plane
    assert shared.forward_bytes(4) == 6.5 * plane - 1.125 * plane
    assert each.forward_bytes(1) == 5 * plane
    assert each.backward_bytes(4) == 31 * plane
    assert shared.backward_bytes(4) == 7.75 * plane


def test_columns_of_a_table_line_up():
    rows = [
        Rival("a", "[1] G=1", 0.001, 0.01),
        Rival("longer", "[1, 2, 3, 4] G=C", 1.0, 20.0, "> 1"),
    ]
    assert table(["what", "size", "ms", "theirs", "faster", "asked"], rows).splitlines() == [
        "what    size                    ms     theirs  faster  asked",
        "a       [1] G=1              1.000     10.000    10.0",
        "longer  [1, 2, 3, 4] G=C  1000.000  20000.000    20.0    > 1",
    ]


def test_a_row_is_beside_the_copy():
    report = Report("machine", 2e9, "loop")
    assert report.add("scan", Problem((1, 1, 1, 1), True), 0.5, 10**9).times_copy == 1


@pytest.fixture
def card(monkeypatch):
    """A card that is the CPU, on which a call takes a millisecond."""

    def forward(x, p, injection, first, limit):
        ways = list(Direction)[first : first + p.shape[1]]
        scans = [scan_reference(x, p[:, i], way) for i, way in enumerate(ways)]
        return torch.stack(scans, 1)

    def backward(x, p, injection, h, grad, first, limit):
        assert h.shape == grad.shape == (x.shape[0], p.shape[1], *x.shape[1:])
        return x, p, injection

    def old_forward(x, p, way):
        return scan_reference(x, p, way)

    def old_backward(x, p, h, grad, way):
        assert x.shape == h.shape == grad.shape
        return x, p

    def timed(call):
        call()
        return 1e-3

    for name, stand_in in {
        "_DEVICE": "cpu",
        "seconds": timed,
        "graph_of": lambda call: call,
        "copy_bandwidth": lambda values: 4e12,
        "percolumn_forward": old_forward,
        "percolumn_backward": old_backward,
    }.items():
        monkeypatch.setattr(_bench_cuda, name, stand_in)
    monkeypatch.setattr(_cuda_launch, "forward", forward)
    monkeypatch.setattr(_cuda_launch, "backward", backward)
    monkeypatch.setattr(_bench_cuda._cupy, "check", lambda: None)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a card")


def test_a_card_is_measured_by_the_same_rules(card):
    report = _bench_cuda.measure(quick=True)
    whats = [row.what for row in report.rows]
    assert {"four, forward, float32", "four, backward with its sums, bfloat16"} <= set(whats)
    row = report.rows[0]
    assert row.times_copy == pytest.approx(1e-3 * 4e12 / row.bytes)
    assert [rival.asked for rival in report.rivals] == [">= 20", "", ">= 15", ""] * 2
    assert "1000.0 us, asked <= 120 us" in report.text()
