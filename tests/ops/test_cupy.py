"""Without CuPy a CUDA tensor is an error that names the line which mends it."""

import sys

import pytest
import torch

from vidprop.errors import BackendError
from vidprop.ops import _cupy


@pytest.mark.parametrize(
    ("version", "extra"), [("12.8", "cuda12"), ("13.0", "cuda13"), (None, "cuda13")]
)
def test_missing_cupy_names_the_install_line(
    version: str | None, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _cupy.check.cache_clear()
    monkeypatch.setitem(sys.modules, "cupy", None)
    monkeypatch.setattr(torch.version, "cuda", version)
    with pytest.raises(BackendError, match=rf"pip install 'vidprop\[{extra}\]'"):
        _cupy.check()
