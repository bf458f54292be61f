"""The CUDA side of the scan on CPU threads."""

from pathlib import Path

import pytest
import torch
from kernel_threads import H200, Threads, poisoned

from vidprop.ops import _cupy


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Threads:
    """Kernels compiled so far."""
    folder: Path = tmp_path_factory.mktemp("kernels")
    return Threads(folder)


@pytest.fixture
def threads(built: Threads, monkeypatch: pytest.MonkeyPatch) -> Threads:
    """Launches go to CPU threads, and new memory is full of NaN."""
    monkeypatch.setattr(_cupy, "launch", built.launch)
    monkeypatch.setattr(_cupy, "card", lambda device: H200)
    monkeypatch.setattr(torch.Tensor, "new_empty", poisoned(torch.Tensor.new_empty))
    monkeypatch.setattr(torch, "empty_like", poisoned(torch.empty_like))
    return built
