"""Reading ahead in a thread, so that decoding and working overlap."""

import queue
import threading
from collections.abc import Generator, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

_END = object()


def ahead(items: Iterable[T], count: int = 4) -> Generator[T, None, None]:
    """Yield `items`, of which up to `count` are made ready meanwhile.

    What raises in the thread is raised here, in its turn. Closing the generator
    stops the thread and closes `items` if that can be closed.
    """
    ready: queue.Queue[object] = queue.Queue(count)
    stop = threading.Event()
    thread = threading.Thread(target=_fill, args=(ready, iter(items), stop), daemon=True)
    thread.start()
    try:
        while (item := ready.get()) is not _END:
            if isinstance(item, _Raised):
                raise item.error
            yield item  # type: ignore[misc]
    finally:
        stop.set()
        while not ready.empty():
            ready.get_nowait()
        thread.join()


class _Raised:
    def __init__(self, error: BaseException) -> None:
        self.error = error


def _fill(ready: queue.Queue[object], items: Iterator[object], stop: threading.Event) -> None:
    try:
        for item in items:
            _put(ready, item, stop)
            if stop.is_set():
                break
        _put(ready, _END, stop)
    except BaseException as error:  # handed to the reader, whatever it is
        _put(ready, _Raised(error), stop)
    finally:
        if isinstance(items, Generator):
            items.close()


def _put(ready: queue.Queue[object], item: object, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            ready.put(item, timeout=0.1)
            return
        except queue.Full:
            continue
