"""What all tests share: whether there is a GPU to test on."""

import os

import pytest
import torch


def _missing() -> str | None:
    if not torch.cuda.is_available():
        return "no CUDA device"
    try:
        import cupy  # noqa: F401
    except ImportError:
        return "CuPy is not installed"
    return None


@pytest.fixture(autouse=True)
def _cuda(request: pytest.FixtureRequest) -> None:
    """Skip a test marked `cuda` without a GPU, or fail it under VIDPROP_REQUIRE_CUDA=1."""
    if request.node.get_closest_marker("cuda") is None or not (reason := _missing()):
        return
    if os.environ.get("VIDPROP_REQUIRE_CUDA") == "1":
        pytest.fail(f"VIDPROP_REQUIRE_CUDA=1, but {reason}")
    pytest.skip(reason)
