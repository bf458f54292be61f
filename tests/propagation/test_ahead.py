"""Reading ahead changes neither the items nor the errors, and always ends."""

import threading

import pytest

from vidprop.propagation.ahead import ahead


def test_items_come_in_order():
    assert list(ahead(range(50), count=3)) == list(range(50))


def test_an_error_comes_after_the_items_before_it():
    def items():
        yield 1
        raise ValueError("broken")

    stream = ahead(items())
    assert next(stream) == 1
    with pytest.raises(ValueError, match="broken"):
        next(stream)


def test_closing_early_ends_the_thread_and_closes_the_source():
    closed = threading.Event()

    def endless():
        try:
            while True:
                yield 0
        finally:
            closed.set()

    threads = threading.active_count()
    stream = ahead(endless())
    next(stream)
    stream.close()
    assert closed.is_set()
    assert threading.active_count() == threads
