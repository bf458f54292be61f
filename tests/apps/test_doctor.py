"""`vidprop doctor` says what is there, and what mends what is not."""

import builtins
import sys
from types import ModuleType

import pytest

from vidprop.apps import doctor
from vidprop.apps.main import run


def test_a_whole_installation_is_usable(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor"]) == 0
    told = capsys.readouterr().out
    for name in ("PyTorch", "device", "CuPy", "Numba", "ffmpeg", "OpenCV", "PyAV", "OpenEXR"):
        assert name in told
    assert "libx265" in told
    assert "MISSING" not in told


def test_what_is_missing_comes_with_the_line_that_mends_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "OpenEXR", None)
    assert run(["doctor"]) == 1
    told = capsys.readouterr()
    assert "mend: pip install --force-reinstall OpenEXR" in told.out
    assert "not usable without OpenEXR" in told.err


def test_an_ffmpeg_without_our_encoders_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "_ENCODERS", ("libx264", "libnonsense"))
    assert run(["doctor"]) == 1
    assert "lacks libnonsense" in capsys.readouterr().out


def test_a_card_without_cupy_is_no_obstacle(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import torch

    from vidprop.ops import _cupy

    _cupy.check.cache_clear()
    monkeypatch.setitem(sys.modules, "cupy", None)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda i: "a card")
    assert run(["doctor"]) == 0
    assert "mend: pip install 'vidprop[cuda1" in capsys.readouterr().out


def test_a_compiler_that_does_not_load_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from vidprop.ops import _cupy

    class Broken(ModuleType):
        def __getattr__(self, name: str) -> object:
            raise RuntimeError("libnvrtc.so.12: cannot open")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(_cupy, "check", lambda: Broken("cupy"))
    found = {finding.name: finding for finding in doctor.examine()}["CuPy"]
    assert "libnvrtc.so.12" in found.found
    assert "vidprop[cuda12]" in found.mend
    assert builtins.bool(found.needed) is False
