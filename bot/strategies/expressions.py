"""What an expression of a scored strategy comes to, on what was measured.

simpleeval walks the tree; everything but comparison, boolean and arithmetic is taken out of it: no function, no
attribute, no index, no power. What may stand there at all was read with units by `bot/domain/expressions.py` when the
settings were loaded.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

from simpleeval import InvalidExpression, SimpleEval

from bot.domain.expressions import UNIT_NAMES

_OPERATORS: Final[Mapping[type, Callable[..., Any]]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.USub: operator.neg, ast.UAdd: operator.pos, ast.Not: operator.not_,
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
    ast.Eq: operator.eq, ast.NotEq: operator.ne,
}  # fmt: skip
_NODES: Final = (ast.Expr, ast.Name, ast.UnaryOp, ast.BinOp, ast.BoolOp, ast.Compare, ast.Constant)
_UNITS: Final[Mapping[str, float]] = {name: size for name, (_, size) in UNIT_NAMES.items()}


@lru_cache(maxsize=512)
def _parsed(text: str) -> ast.Expr:
    return ast.Expr(ast.parse(text, mode="eval").body)


def holds(text: str, values: Mapping[str, float | str]) -> bool | str:
    """Say whether an expression holds on these values by name; or in words why it comes to nothing."""
    evaluator = SimpleEval(operators=dict(_OPERATORS), functions={}, names={**_UNITS, **values})
    evaluator.nodes = {kind: evaluator.nodes[kind] for kind in _NODES}
    try:
        return bool(evaluator.eval(text, _parsed(text)))
    except ZeroDivisionError:
        return "divides by zero"
    except (InvalidExpression, ArithmeticError, TypeError, ValueError, SyntaxError) as error:
        return f"comes to nothing: {error}"
