"""What a table's file says of a field is what the field is."""

from __future__ import annotations

import types
from dataclasses import dataclass, replace
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest

from bot.store.columns import METADATA
from bot.store.fields import key, label, whole
from bot.store.stored import Patch, Stored
from bot.store.tables import DECLARED
from bot.store.tables.command import COMMAND

TABLES = DECLARED


def _bare(hint: Any) -> tuple[Any, bool]:
    """Return a hint without its None, and whether it had one."""
    if get_origin(hint) in {Union, types.UnionType}:
        (bare,) = [each for each in get_args(hint) if each is not type(None)]
        return bare, True
    return hint, False


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.table.name)
def test_a_column_holds_what_its_field_is_and_none_where_the_field_may_be_none(table: Stored[Any]) -> None:
    hints = get_type_hints(table.kind)
    for field in table.fields:
        if field.read is None or len(field.columns) != 1:
            continue
        bare, maybe = _bare(hints[field.name])
        assert field.columns[0].nullable == maybe, field.name
        assert field.holds in {None, bare}, field.name


@dataclass
class Ladder:
    id: str
    rungs: int
    colour: str = "red"


def test_a_field_that_no_column_holds_is_an_error_where_the_table_is_declared() -> None:
    with pytest.raises(TypeError, match=r"Ladder\.colour has no column: a restart would forget it"):
        Stored(Ladder, "ladder", key(), whole("rungs"), comment="a ladder")
    with pytest.raises(TypeError, match="Ladder has no field 'weight'"):
        Stored(Ladder, "ladder", key(), whole("rungs"), whole("weight"), comment="a ladder", in_memory=["colour"])
    assert "ladder" not in METADATA.tables


def test_what_a_thing_changes_of_anothers_row_is_declared_by_its_fields() -> None:
    patch = Patch(Ladder, "painted", COMMAND, "id", replace(label("answer"), name="colour"))
    assert patch.row(Ladder("L1", 3)) == {"row_id": "L1", "answer": "red"}
    assert str(patch.update("sqlite")) == "UPDATE command SET answer=:answer WHERE command.id = :row_id"
    with pytest.raises(TypeError, match="Ladder has no field 'answer'"):
        Patch(Ladder, "painted", COMMAND, "id", label("answer"))
