"""The kinds of columns that the tables are made of, and the one MetaData they belong to."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Integer, MetaData, String, Text, text

METADATA: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_ID = 64
_TIME = 32
_DAY = 10


def key(name: str = "id", comment: str = "ULID") -> Column[str]:
    """A text primary key."""
    return Column(name, String(_ID), primary_key=True, comment=comment)


def ref(name: str, target: str, *, nullable: bool = True, comment: str | None = None) -> Column[str]:
    """A foreign key by id."""
    return Column(name, String(_ID), ForeignKey(f"{target}"), nullable=nullable, comment=comment)


def ident(name: str, *, nullable: bool = True, comment: str | None = None) -> Column[str]:
    """The id of a thing in another table, without a constraint (the two tables point at each other)."""
    return Column(name, String(_ID), nullable=nullable, comment=comment)


def utc(name: str, *, nullable: bool = True, comment: str | None = None, primary_key: bool = False) -> Column[str]:
    """A UTC time, `YYYY-MM-DDTHH:MM:SS.ffffff+00:00`."""
    return Column(name, String(_TIME), nullable=nullable, comment=comment, primary_key=primary_key)


def day(name: str, *, nullable: bool = True, comment: str | None = None, primary_key: bool = False) -> Column[str]:
    """A date, `YYYY-MM-DD`; New York's unless the comment says otherwise."""
    return Column(name, String(_DAY), nullable=nullable, comment=comment, primary_key=primary_key)


def units(name: str, *, nullable: bool = True, comment: str | None = None, default: str | None = None) -> Column[int]:
    """Money or a price in 1/10000 dollar."""
    return Column(name, BigInteger, nullable=nullable, comment=comment, server_default=default)


def whole(name: str, *, nullable: bool = True, comment: str | None = None, default: str | None = None) -> Column[int]:
    return Column(name, Integer, nullable=nullable, comment=comment, server_default=default)


def span(name: str, comment: str) -> Column[int]:
    """How long something lasted, in milliseconds."""
    return Column(name, BigInteger, nullable=False, comment=comment, server_default="0")


def words(name: str, *, nullable: bool = False, comment: str | None = None, default: str | None = "") -> Column[str]:
    """Text for people, or JSON where the comment says so."""
    given = None if nullable or default is None else text(f"'{default}'")
    return Column(name, Text, nullable=nullable, comment=comment, server_default=given)


def label(name: str, *, nullable: bool = False, comment: str | None = None, **more: Any) -> Column[str]:
    """A short word: symbol, kind, actor."""
    return Column(name, String(128), nullable=nullable, comment=comment, **more)


def one_of(column: str, words_of: type[StrEnum] | tuple[str, ...]) -> CheckConstraint:
    """A constraint that keeps a column to the words of a StrEnum or of a list."""
    allowed = tuple(word.value for word in words_of) if isinstance(words_of, type) else words_of
    listed = ", ".join(f"'{word}'" for word in allowed)
    return CheckConstraint(f'"{column}" IN ({listed})', name=f"{column}_word")
