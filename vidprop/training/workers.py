"""Processes that prepare training data side by side."""

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor


def worker_pool(workers: int | None = None) -> ProcessPoolExecutor:
    """A pool of `workers` fresh processes, or of one a core.

    Fresh, because a fork of a process whose threads hold a lock waits for it forever.
    """
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers or os.cpu_count(), mp_context=context)
