"""Runs an iterator in a thread, a few items ahead of whoever takes them."""

import threading
from collections.abc import Iterator
from queue import Empty, Full, Queue
from typing import Generic, TypeVar

T = TypeVar("T")

_POLL_SECONDS = 0.1


class Prefetched(Iterator[T], Generic[T]):
    """The items of `source`, at most `ahead` of them made before they are asked for.

    An exception of the source comes out where its item would have. `close` ends the
    thread, and with it the source, at any time. The thread starts with the first item.
    """

    def __init__(self, source: Iterator[T], ahead: int) -> None:
        self._source = source
        self._queue: Queue[tuple[T | None, BaseException | None]] = Queue(ahead)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="vidprop-decode", daemon=True)
        self._ended = False

    def __next__(self) -> T:
        if self._ended:
            raise StopIteration
        if self._thread.ident is None:
            self._thread.start()
        item, error = self._take()
        if error is None:
            assert item is not None
            return item
        self._ended = True
        raise error

    def close(self) -> None:
        """Stop; safe to call twice."""
        self._ended = True
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _take(self) -> tuple[T | None, BaseException | None]:
        # With a time limit, so that Ctrl-C is noticed on every platform.
        while True:
            try:
                return self._queue.get(timeout=_POLL_SECONDS)
            except Empty:
                continue

    def _run(self) -> None:
        error: BaseException = StopIteration()
        try:
            for item in self._source:
                if not self._put((item, None)):
                    return
        except Exception as raised:
            error = raised
        finally:
            self._close_source()
        self._put((None, error))

    def _put(self, entry: tuple[T | None, BaseException | None]) -> bool:
        while not self._stop.is_set():
            try:
                self._queue.put(entry, timeout=_POLL_SECONDS)
            except Full:
                continue
            return True
        return False

    def _close_source(self) -> None:
        # A generator holds a file open until it is closed, in the thread it ran in.
        close = getattr(self._source, "close", None)
        if close is not None:
            close()
