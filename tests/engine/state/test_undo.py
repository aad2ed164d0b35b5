"""What was changed under a savepoint is taken back whole, to the order of its keys."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.engine.state.undo import NotedDict, Undo

KEYS = st.integers(0, 5)
CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("set"), KEYS, st.integers()),
        st.tuples(st.sampled_from(("pop", "del", "setdefault", "update", "or")), KEYS, st.integers()),
        st.tuples(st.sampled_from(("clear", "popitem")), KEYS, st.integers()),
    ),
    max_size=12,
)


def change(table: dict[int, int], what: str, key: int, value: int) -> None:
    deeds: dict[str, Any] = {
        "set": lambda: table.__setitem__(key, value),
        "pop": lambda: table.pop(key, None),
        "del": lambda: table.__delitem__(key) if key in table else None,
        "setdefault": lambda: table.setdefault(key, value),
        "update": lambda: table.update({key: value, key + 1: value}),
        "or": lambda: table.__ior__({key: value}),
        "clear": table.clear,
        "popitem": lambda: table.popitem() if table else None,
    }
    deeds[what]()


@given(CHANGES, CHANGES, CHANGES, st.booleans())
def test_what_was_changed_is_taken_back_and_what_was_not_stays(
    before: Any, outer: Any, inner: Any, fails: bool
) -> None:
    undo = Undo()
    table, plain = NotedDict[int, int](undo), dict[int, int]()
    for each in before:
        change(table, *each)
        change(plain, *each)
    kept, mark = list(plain.items()), undo.begin()
    for each in outer:
        change(table, *each)
        change(plain, *each)
    assert list(table.items()) == list(plain.items()), "it is a dict like any other"
    middle, mark_inside = list(table.items()), undo.begin()
    for each in inner:
        change(table, *each)
    if fails:
        undo.roll_back(mark_inside)
        assert list(table.items()) == middle
    undo.end()
    undo.roll_back(mark)
    undo.end()
    assert list(table.items()) == kept
    assert not undo._back, "nothing is remembered once no savepoint is open"


def test_nothing_is_noted_while_no_savepoint_is_open() -> None:
    undo = Undo()
    table = NotedDict[int, int](undo)
    table[1] = 1
    del table[1]
    assert not undo._back
