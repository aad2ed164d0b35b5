"""The register of alerts: complete, without rows left over, and what the code and the documents go by."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

import pytest

from bot.config.schema import Settings
from bot.domain.events.people import AlertRaised
from bot.domain.notices import (
    GROUPS,
    NUMBERED,
    REGISTER,
    SEVERITIES,
    TWS_NUMBER,
    UnknownNotice,
    notice_of,
    severity_of,
)
from bot.overseer.rules import RULES
from bot.store.trouble import SQLITE, UNREACHABLE
from tests.config.test_shipped_files import settings_of
from tests.sources import functions, with_any
from tests.sources import tree as tree_of

NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)
RAISERS = {"alert", "_alert", "AlertRaised", "_complain"}
_ELSEWHERE = {
    ("bot/engine/recovery.py", "outage.error.code"): {
        row.code for row in (*SQLITE.values(), UNREACHABLE) if row.passes
    },
    ("bot/overseer/watch.py", "finding.code"): {rule.code for rule in RULES},
    ("bot/overseer/watch.py", "told.code"): {rule.code for rule in RULES if rule.severity == "warning"},
    ("bot/engine/inbound.py", "code"): set(),  # another process names it, and it is looked up there
}
"""Codes that are not written where they are raised -> what they may be."""
_NO_NOTICES = {"flow_alert", "bot/sim/market/flow.py", "bot/sim/uw/model_source.py", "bot/sim/uw/routes.py"}


@dataclass(frozen=True)
class Module:
    path: str
    tree: ast.Module

    def function_around(self, node: ast.AST) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
        line = getattr(node, "lineno", 0)
        around = [each for each in functions(self.path) if each.lineno <= line <= (each.end_lineno or 0)]
        return max(around, key=lambda each: each.lineno, default=None)


@cache
def modules() -> dict[str, Module]:
    """Return the files that may raise an alert."""
    return {path: Module(path, tree) for path, tree in with_any(*(f"{name}(" for name in RAISERS)).items()}


def calls(module: Module) -> Iterator[ast.Call]:
    """Yield every call that raises an alert; its first argument is the code, or it is told where the code stands."""
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in RAISERS and node.args and module.path not in _NO_NOTICES:
            yield node


def code_of(call: ast.Call) -> ast.expr:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    return call.args[1] if name == "_complain" else call.args[0]


def meant(module: Module, expression: ast.expr, at: ast.AST) -> set[str] | None:
    """Return the codes that an expression may be; None: it cannot be told."""
    match expression:
        case ast.Constant(value=str(code)):
            return {code}
        case ast.IfExp(body=one, orelse=other):
            return _together(meant(module, one, at), meant(module, other, at))
        case (
            ast.BinOp(left=ast.Constant(value=str(first))) | ast.JoinedStr(values=[ast.Constant(value=str(first)), *_])
        ):
            return {first}
        case ast.Subscript(value=ast.Name(id=name)):
            return _together(*(_of_table(module, value, at, None) for value, _ in _assigned(module, name, at)))
        case ast.Name(id=name):
            around = module.function_around(at)
            if around is not None and name in {each.arg for each in around.args.args}:
                return set()  # handed on: its callers are looked at themselves
            return _together(*(_unpacked(module, value, at, place) for value, place in _assigned(module, name, at)))
    return _ELSEWHERE.get((module.path, ast.unparse(expression)))


def _together(*found: set[str] | None) -> set[str] | None:
    return None if not found or None in found else set().union(*(each for each in found if each is not None))


def _unpacked(module: Module, value: ast.expr, at: ast.AST, place: int | None) -> set[str] | None:
    if place is None:
        return meant(module, value, at)
    if isinstance(value, ast.Tuple):
        return meant(module, value.elts[place], at)
    if isinstance(value, ast.Subscript) and isinstance(value.value, ast.Name):
        tables = _assigned(module, value.value.id, at)
        return _together(*(_of_table(module, table, at, place) for table, _ in tables))
    return _ELSEWHERE.get((module.path, ast.unparse(value)))


def _of_table(module: Module, table: ast.expr, at: ast.AST, place: int | None) -> set[str] | None:
    if isinstance(table, ast.Call) and table.args:
        table = table.args[0]  # MappingProxyType({...})
    if not isinstance(table, ast.Dict):
        return None
    return _together(*(_unpacked(module, value, at, place) for value in table.values))


def _given(node: ast.Assign, name: str) -> list[tuple[ast.expr, int | None]]:
    found: list[tuple[ast.expr, int | None]] = []
    for target in node.targets:
        names = [getattr(each, "id", "") for each in getattr(target, "elts", ())]
        if getattr(target, "id", "") == name:
            found.append((node.value, None))
        elif name in names:
            found.append((node.value, names.index(name)))
    return found


def _assigned(module: Module, name: str, at: ast.AST) -> list[tuple[ast.expr, int | None]]:
    """Return what a name is given, in the function around or on top of its module, and its place in a tuple."""
    for scope in (module.function_around(at), module.tree):
        found: list[tuple[ast.expr, int | None]] = []
        for node in ast.walk(scope) if scope is not None else ():
            if isinstance(node, ast.AnnAssign) and node.value and getattr(node.target, "id", "") == name:
                found.append((node.value, None))
            if isinstance(node, ast.Assign):
                found += _given(node, name)
        if found:
            return found
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ImportFrom) and any(each.name == name for each in node.names):
            home = (node.module or "").replace(".", "/") + ".py"
            return _assigned(Module(home, tree_of(home)), name, tree_of(home))
    return []


@cache
def raised() -> dict[str, set[str]]:
    """Return each code that the source raises -> the files that do."""
    found: dict[str, set[str]] = {}
    for module in modules().values():
        for call in calls(module):
            codes = _ELSEWHERE.get((module.path, ast.unparse(code_of(call))))
            codes = meant(module, code_of(call), call) if codes is None else codes
            assert codes is not None, f"{module.path}:{call.lineno}: which codes is {ast.unparse(code_of(call))}?"
            for code in codes:
                found.setdefault(code, set()).add(module.path)
    return found


def test_every_code_that_is_raised_is_in_the_register() -> None:
    unknown = {code: sorted(files) for code, files in raised().items() if code not in {*REGISTER, TWS_NUMBER}}
    assert not unknown


def test_every_row_of_the_register_is_raised_somewhere() -> None:
    assert not REGISTER.keys() - raised().keys()
    assert TWS_NUMBER in raised()


def test_no_code_stands_in_two_groups() -> None:
    assert sum(map(len, GROUPS.values())) == len(REGISTER)


@pytest.mark.parametrize("code", [*REGISTER, TWS_NUMBER])
def test_a_row_is_whole(code: str) -> None:
    notice = NUMBERED if code == TWS_NUMBER else REGISTER[code]
    assert code == code.upper()
    assert code.replace("_", "").isalnum()
    assert set(notice.severities) <= set(SEVERITIES)
    assert len(set(notice.severities)) == len(notice.severities)
    for text in (notice.meaning, notice.deed):
        assert text.endswith(".")
        assert len(text) > 7
    assert notice.again


def test_the_second_severity_of_a_row_is_said_somewhere() -> None:
    """A row with two must have a caller that names one, and a caller that names one a row with two."""
    named = {
        code for module in modules().values() for call in calls(module)
        if any(given.arg == "severity" for given in call.keywords)
        for code in meant(module, code_of(call), call) or ()
    }  # fmt: skip
    double = {code for code, notice in REGISTER.items() if notice.or_else} | {TWS_NUMBER}
    assert named == double


def test_an_unknown_code_is_refused() -> None:
    with pytest.raises(UnknownNotice, match="NO_SUCH_CODE"):
        AlertRaised("NO_SUCH_CODE", "text", {}, NOW)
    with pytest.raises(UnknownNotice):
        AlertRaised("feed_back", "text", {}, NOW)


def test_the_severity_is_the_registers() -> None:
    assert AlertRaised("UNPROTECTED", "text", {}, NOW).severity == "critical"
    assert AlertRaised("FEED_BACK", "text", {}, NOW).severity == "info"
    assert AlertRaised("KILL_SWITCH", "text", {}, NOW, "info").severity == "info"
    with pytest.raises(UnknownNotice, match="is critical, not"):
        AlertRaised("UNPROTECTED", "text", {}, NOW, "info")
    with pytest.raises(UnknownNotice):
        severity_of("KILL_SWITCH", "warning")


@pytest.mark.parametrize("code", ["TWS_", "TWS_x", "TWS_1\n", "TWS_UNKNOWN", "TWS_1234567890", "tws_1", "", "TWS_-1"])
def test_only_a_number_makes_a_numbered_code(code: str) -> None:
    with pytest.raises(UnknownNotice):
        notice_of(code)


def test_a_number_of_tws_has_its_row() -> None:
    assert notice_of("TWS_2110") is NUMBERED
    assert AlertRaised("TWS_504", "text", {}, NOW).severity == "warning"


def test_every_setting_that_a_row_names_is_one() -> None:
    known = set(settings_of(Settings))
    named = {
        name for notice in (*REGISTER.values(), NUMBERED) for text in (notice.again, notice.meaning, notice.deed)
        for name in re.findall(r"\b(?:risk|engine|execution|ibkr|database|calendar)\.[a-z_]+", text)
    }  # fmt: skip
    assert named - known == set()
