"""Plans reach every frame they can, in an order that works, under names that say what they hold."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vidprop.edits.keyframes import KeyFrames
from vidprop.propagation.plan import Borrowed, Handed, Painted, Planner, Repaired, digest


def _planner(numbers, count, cuts=(), partial=(), longest=20, context="c", ids=None):
    ids = ids or {}
    return Planner(
        keys=KeyFrames.at(numbers, count, cuts),
        identities={n: ids.get(n, f"id{n}") for n in numbers},
        partial=frozenset(partial),
        context=context,
        longest=longest,
    )


def _needed(source):
    match source:
        case Handed(task, _) | Repaired(_, Handed(task, _)):
            return {task}
        case _:
            return set()


@given(count=st.integers(1, 80), longest=st.integers(2, 30), data=st.data())
@settings(max_examples=150, deadline=None)
def test_every_frame_of_a_shot_with_a_key_frame_is_reached_in_order(count, longest, data):
    frames = st.sets(st.integers(0, count - 1))
    numbers, cuts = data.draw(frames), data.draw(frames)
    partial = data.draw(st.sets(st.sampled_from(sorted(numbers)))) if numbers else set()
    planner = _planner(numbers, count, cuts, partial, longest)
    plan = planner.plan()
    done = set()
    for task in plan.tasks:
        assert _needed(task.before) | _needed(task.after) <= done
        done.add(task.name)
    by_name = {task.name: task for task in plan.tasks}
    for shot in planner.keys.shots():
        for frame in shot:
            place = plan.locate(frame)
            assert (place is not None) == any(n in shot for n in numbers)
            if place:
                assert by_name[place.task].frames[place.index] == frame


def test_one_more_key_frame_renames_only_the_stretches_it_touches():
    before = {task.name for task in _planner([0, 20, 40], 60).plan().tasks}
    after = {task.name for task in _planner([0, 20, 30, 40], 60).plan().tasks}
    assert len(before & after) == 2
    assert len(after - before) == 2


def test_a_repainted_key_frame_renames_its_neighbours():
    before = [task.name for task in _planner([0, 20, 40], 60).plan().tasks]
    after = [task.name for task in _planner([0, 20, 40], 60, ids={0: "other"}).plan().tasks]
    assert [one == other for one, other in zip(before, after, strict=True)] == [False, True, True]


def test_what_is_handed_on_carries_its_origin_in_its_name():
    before = [task.name for task in _planner([0], 60).plan().tasks]
    after = [task.name for task in _planner([0], 60, ids={0: "other"}).plan().tasks]
    assert len(before) > 2
    assert not set(before) & set(after)


@pytest.mark.parametrize("context", ["c", "d"])
def test_the_context_is_part_of_every_name(context):
    names = {task.name for task in _planner([0, 20], 40, context=context).plan().tasks}
    other = {task.name for task in _planner([0, 20], 40, context="other").plan().tasks}
    assert not names & other


def test_a_repair_is_laid_over_what_was_propagated_without_it():
    plan = _planner([0, 10, 19], 20, partial=[10]).plan()
    base, *rest = plan.tasks
    assert (base.before, base.after) == (Painted(0), Painted(19))
    repaired = Repaired(10, Handed(base.name, 10))
    assert [(t.before, t.after) for t in rest[:2]] == [
        (Painted(0), repaired),
        (repaired, Painted(19)),
    ]
    assert plan.locate(5).task == rest[0].name


def test_the_work_done_before_a_repair_is_used_for_it():
    before = {task.name for task in _planner([0, 19], 20).plan().tasks}
    after = {task.name for task in _planner([0, 10, 19], 20, partial=[10]).plan().tasks}
    assert before <= after


def test_a_partial_key_frame_alone_in_its_shot_is_taken_as_it_is():
    (task,) = _planner([5], 20, partial=[5], cuts=[5]).plan().tasks
    assert (task.before, task.after) == (Painted(5), None)


def test_a_borrowed_key_frame_is_read_before_the_frame_it_is_like():
    plan = _planner([2], 20, cuts=[10]).plan([Borrowed(range(10, 20), 2, 14)])
    forward, backward = plan.tasks[-2:]
    assert forward.frames == (2, 14, 15, 16, 17, 18, 19)
    assert backward.frames == (10, 11, 12, 13, 2)
    assert plan.locate(14) == Handed(forward.name, 1)
    assert plan.locate(10) == Handed(backward.name, 0)


def test_a_digest_tells_parts_apart():
    assert digest("ab", "c") != digest("a", "bc")
    assert digest("ab", b"c") == digest(b"ab", "c")
