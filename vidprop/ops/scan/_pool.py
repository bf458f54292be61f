"""Threads for compiled code that releases the GIL, as many as PyTorch may use.

Numba's own layers abort on two callers at once (workqueue) or on a fork (OpenMP).
"""

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import torch

_pool: ThreadPoolExecutor | None = None


def thread_count() -> int:
    """How many threads PyTorch has been given, as the caller's thread knows it.

    Another thread may have been told another number: ask once a call, and not in its jobs.
    """
    return torch.get_num_threads()


def on_threads(count: int, job: Callable[[], None]) -> None:
    """Run `job` `count` times at once, one of them here; raise what any of them raised."""
    others: list[Future[None]] = [_threads().submit(job) for _ in range(count - 1)]
    try:
        job()
    finally:
        errors = [other.exception() for other in others]
    for error in errors:
        if error is not None:
            raise error


def _threads() -> ThreadPoolExecutor:
    global _pool
    if _pool is None:
        _pool = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="vidprop-scan")
    return _pool


def _forget() -> None:
    global _pool
    _pool = None


if hasattr(os, "register_at_fork"):
    # A child of fork has the pool but none of its threads.
    os.register_at_fork(after_in_child=_forget)
