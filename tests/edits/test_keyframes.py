"""Spans own every frame once, and stretches find their key frames."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vidprop.edits.keyframes import KeyFrames, Span
from vidprop.errors import KeyFrameError


def test_spans_lie_between_key_frames():
    spans = list(KeyFrames.at([60, 0, 30], frame_count=90).spans())
    assert spans == [Span(0, 30), Span(30, 60), Span(60, 90, last=None)]


def test_frames_before_the_first_key_are_filled_backwards():
    assert list(KeyFrames.at([5], 10).spans()) == [Span(0, 5, first=None), Span(5, 10, last=None)]


def test_nothing_is_carried_over_a_cut():
    spans = list(KeyFrames.at([0, 20], 30, cuts=[10, 25]).spans())
    assert spans == [
        Span(0, 10, last=None),
        Span(10, 20, first=None),
        Span(20, 25, last=None),
        Span(25, 30, None, None),
    ]


def test_a_span_reads_the_key_frame_that_the_next_one_owns():
    assert list(Span(3, 6).reads) == [3, 4, 5, 6]
    assert list(Span(3, 6, last=None).reads) == [3, 4, 5]


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ([912], "key frame 912 is past the last frame, 899"),
        ([-1], "key frame -1: frames are counted from 0"),
        ([7, 7], "key frame 7 is given twice"),
    ],
)
def test_impossible_numbers_are_refused(numbers, message):
    with pytest.raises(KeyFrameError, match=message):
        KeyFrames.at(numbers, frame_count=900)


@given(
    frame_count=st.integers(1, 60),
    data=st.data(),
)
@settings(max_examples=100, deadline=None)
def test_spans_own_every_frame_once(frame_count, data):
    frames = st.sets(st.integers(0, frame_count - 1))
    keys = KeyFrames.at(data.draw(frames), frame_count, data.draw(frames))
    owned = [frame for span in keys.spans() for frame in range(span.start, span.stop)]
    assert owned == list(range(frame_count))


@given(
    length=st.integers(1, 200),
    longest=st.integers(2, 40),
    first=st.booleans(),
    last=st.booleans(),
)
@settings(max_examples=200, deadline=None)
def test_stretches_are_short_and_find_their_key_frames(length, longest, first, last):
    if not (first or last):
        return
    span = Span(10, 10 + length, 10 if first else None, 10 + length if last else None)
    known, covered = {span.first, span.last} - {None}, set()
    for piece in span.stretches(longest):
        assert piece.stop - piece.start <= longest * (
            2 if None not in (piece.first, piece.last) else 1
        )
        assert piece.has_key
        assert {piece.first, piece.last} - {None} <= known
        known |= {piece.start, piece.stop - 1}
        covered |= set(range(piece.start, piece.stop))
    assert covered == set(range(10, 10 + length))


def test_the_beginning_of_a_long_span_is_filled_from_its_first_key_frame():
    pieces = list(Span(0, 100).stretches(30))
    assert pieces == [Span(0, 30, last=None), Span(29, 59, last=None), Span(58, 100)]


def test_what_lies_before_the_first_key_frame_is_filled_from_its_end():
    pieces = list(Span(0, 70, first=None).stretches(30))
    assert pieces == [Span(40, 70, None), Span(10, 40, None), Span(0, 10, None)]
