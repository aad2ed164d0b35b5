"""The expressions of scored strategies, as they are read and refused: comparison, arithmetic and `and`, `or`, `not`
over names that are known, each with its unit; no call, no attribute, no index, no power, nothing that repeats.

    vpin > 0.40
    gex_total > gex_floor and pin_distance < 0.5 * pct
    dex_total > 50 * musd or dex_total < -50 * musd
    volatility == "HIGH"

A quantity is compared with one of its own unit; a plain number is made one by a unit's name (`50 * musd`), and 0 is of
every unit. That an expression ends follows from its grammar; how long it takes, from the bounds on its size.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

MOST_LETTERS: Final = 300
MOST_PARTS: Final = 60
"""Names, numbers and operators of one expression at most."""
MOST_DEEP: Final = 12

PLAIN: Final = ""
WORD: Final = "word"
TRUTH: Final = "truth"
_ANY: Final = "0"  # the unit of a zero

UNIT_NAMES: Final[Mapping[str, tuple[str, float]]] = MappingProxyType(
    {
        "usd": ("usd", 1.0),
        "kusd": ("usd", 1e3),
        "musd": ("usd", 1e6),
        "shares": ("shares", 1.0),
        "days": ("days", 1.0),
        "pct": (PLAIN, 0.01),
        "bp": (PLAIN, 0.0001),
    }
)
"""Names that turn a plain number into a quantity: the unit, and how much of it one is."""


class ExpressionRefused(ValueError):
    """An expression that is not allowed, with the part that is wrong and what would be right."""


@dataclass(frozen=True, slots=True)
class Expression:
    """One that was read: its text and the names that it needs (units are none)."""

    text: str
    names: frozenset[str]


def read_expression(text: str, units: Mapping[str, str]) -> Expression:
    """Return the expression that a text is, when it is one that comes out true or false; `units`: what may be named,
    and its unit. Raises ExpressionRefused."""
    if len(text) > MOST_LETTERS:
        raise ExpressionRefused(f"longer than {MOST_LETTERS} letters")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ExpressionRefused(f"{text!r} is no expression: {getattr(error, 'msg', error)}") from None
    parts = sum(1 for _ in ast.walk(tree))
    if parts > MOST_PARTS or _depth(tree) > MOST_DEEP:
        raise ExpressionRefused(f"{text!r} has {parts} parts: at most {MOST_PARTS}, {MOST_DEEP} deep")
    reader = _Reader(units)
    if reader.unit(tree) != TRUTH:
        raise ExpressionRefused(f"{text!r} comes to no true or false: compare it with something")
    return Expression(text.strip(), frozenset(reader.names))


def _depth(node: ast.AST) -> int:
    return 1 + max((_depth(child) for child in ast.iter_child_nodes(node)), default=0)


class _Reader:
    """Finds the unit of a part, and refuses what has none."""

    def __init__(self, units: Mapping[str, str]) -> None:
        self._units = units
        self.names: set[str] = set()

    def unit(self, node: ast.expr) -> str:
        match node:
            case ast.Constant():
                return self._constant(node)
            case ast.Name():
                return self._name(node.id)
            case ast.BoolOp():
                return self._truths(node.values)
            case ast.UnaryOp(op=ast.Not()):
                return self._truths([node.operand])
            case ast.UnaryOp(op=ast.USub() | ast.UAdd()):
                return self._quantity(node.operand)
            case ast.BinOp(op=ast.Add() | ast.Sub()):
                return self._same(node.left, node.right, "added to")
            case ast.BinOp(op=ast.Mult()):
                return self._product(node)
            case ast.BinOp(op=ast.Div()):
                return self._quotient(node)
            case ast.Compare():
                return self._comparison(node)
        raise ExpressionRefused(f"{ast.unparse(node)!r} is not allowed: comparison, arithmetic, and, or, not alone are")

    @staticmethod
    def _constant(node: ast.Constant) -> str:
        value = node.value
        if isinstance(value, str):
            return WORD
        if isinstance(value, bool) or not isinstance(value, int | float) or not _is_finite(value):
            raise ExpressionRefused(f"{ast.unparse(node)} is neither a number nor a word")
        return _ANY if value == 0 else PLAIN

    def _name(self, name: str) -> str:
        if name in UNIT_NAMES:
            return UNIT_NAMES[name][0]
        if name not in self._units:
            known = ", ".join(sorted(self._units))
            raise ExpressionRefused(f"nothing is called {name!r}; known are: {known}; units: {', '.join(UNIT_NAMES)}")
        self.names.add(name)
        return self._units[name]

    def _truths(self, nodes: list[ast.expr]) -> str:
        for node in nodes:
            if self.unit(node) != TRUTH:
                raise ExpressionRefused(
                    f"{ast.unparse(node)!r} is neither true nor false: and, or, not take comparisons"
                )
        return TRUTH

    def _quantity(self, node: ast.expr) -> str:
        unit = self.unit(node)
        if unit in {WORD, TRUTH}:
            raise ExpressionRefused(f"{ast.unparse(node)!r} is no number")
        return unit

    def _same(self, left: ast.expr, right: ast.expr, how: str) -> str:
        one, other = self._quantity(left), self._quantity(right)
        if _ANY in {one, other}:
            return other if one == _ANY else one
        if one != other:
            raise ExpressionRefused(
                f"{ast.unparse(left)!r} is {_called(one)} and cannot be {how} {ast.unparse(right)!r}, {_called(other)}"
            )
        return one

    def _product(self, node: ast.BinOp) -> str:
        one, other = self._quantity(node.left), self._quantity(node.right)
        plain = {PLAIN, _ANY}
        if one not in plain and other not in plain:
            raise ExpressionRefused(f"{ast.unparse(node)!r}: one of both must be a plain number")
        return other if one in plain else one

    def _quotient(self, node: ast.BinOp) -> str:
        one, other = self._quantity(node.left), self._quantity(node.right)
        if other == _ANY:
            raise ExpressionRefused(f"{ast.unparse(node)!r} divides by zero")
        if one == other:
            return PLAIN
        if other != PLAIN:
            raise ExpressionRefused(f"{ast.unparse(node)!r} divides {_called(one)} by {_called(other)}")
        return one

    def _comparison(self, node: ast.Compare) -> str:
        sides = [node.left, *node.comparators]
        for operator, left, right in zip(node.ops, sides, sides[1:], strict=False):
            if self.unit(left) == self.unit(right) == WORD and isinstance(operator, ast.Eq | ast.NotEq):
                continue
            if not isinstance(operator, ast.Lt | ast.LtE | ast.Gt | ast.GtE | ast.Eq | ast.NotEq):
                raise ExpressionRefused(f"{ast.unparse(node)!r}: only <, <=, >, >=, == and != compare")
            self._same(left, right, "compared with")
        return TRUTH


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond what a float holds
        return False


def _called(unit: str) -> str:
    return {PLAIN: "a plain number", WORD: "a word", TRUTH: "true or false"}.get(unit, f"in {unit}")
