"""Times on the card at hand."""

from collections.abc import Callable
from statistics import median

import torch

_ROUNDS, _CALLS = 7, 5


def copy_bandwidth(values: int = 2**30) -> float:
    """Bytes read and written in a second by a copy of 4 bytes a value within the card."""
    source = torch.randn(values, device="cuda")
    target = torch.empty_like(source)
    return 2 * source.nbytes / seconds(lambda: target.copy_(source))


def seconds(call: Callable[[], object]) -> float:
    """Median time of a call on the card, without the gaps between launches."""
    call()
    times = []
    for _ in range(_ROUNDS):
        # While the card sleeps, the launches queue up behind it.
        torch.cuda._sleep(20_000_000)  # type: ignore[no-untyped-call]
        start, end = _event(), _event()
        start.record()
        for _ in range(_CALLS):
            call()
        end.record()
        end.synchronize()
        times.append(start.elapsed_time(end) / 1e3 / _CALLS)
    return median(times)


def _event() -> torch.cuda.Event:
    return torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
