"""How options are read."""

import pytest

from vidprop.apps._options import frame_number, repeated
from vidprop.errors import InputError


@pytest.mark.parametrize(
    ("text", "number"),
    [("120", 120), ("5s", 125), ("2.5s", 62), ("0:05", 125), ("1:02.5", 1562), ("1:00:00", 90000)],
)
def test_a_moment_is_a_number_seconds_or_a_time(text, number):
    assert frame_number(text, 25.0) == number


def test_no_moment_is_none():
    assert frame_number(None, 25.0) is None


@pytest.mark.parametrize("text", ["", "-3", "5m", "1:2:3:4", "x"])
def test_anything_else_is_refused(text):
    with pytest.raises(InputError, match="no frame number"):
        frame_number(text, 25.0)


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("a --keyframes 1 2 -o b", "a --keyframes 1 --keyframes 2 -o b"),
        ("a --keyframes 1", "a --keyframes 1"),
        ("a -o b --keyframes 1 2 3", "a -o b --keyframes 1 --keyframes 2 --keyframes 3"),
        ("a --keyframes 1 --keyframes 2", "a --keyframes 1 --keyframes 2"),
        ("a b -o c", "a b -o c"),
        ("a --preview --keyframes 1 2", "a --preview --keyframes 1 --keyframes 2"),
    ],
)
def test_an_option_takes_every_value_up_to_the_next(line, meant):
    assert repeated(line.split(), ("--keyframes",)) == meant.split()
