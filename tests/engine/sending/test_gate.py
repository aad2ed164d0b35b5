"""The one gate: nothing reaches the broker past it, and what it asks about is asked about nowhere else."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.sources import with_any

DISPATCHER = "bot/engine/sending/dispatcher.py"


def attributes(tree: ast.AST, name: str) -> list[ast.Attribute]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == name]


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_the_kill_switch_is_looked_for_by_the_gate_and_by_nobody_else() -> None:
    """The engine hands its file to the gate; everybody else hears of it from there."""
    sources = with_any("kill_switch_file")
    readers = {name for name, tree in sources.items() if attributes(tree, "kill_switch_file")}
    assert readers == {"bot/engine/tick.py"}
    engine = sources["bot/engine/tick.py"]
    gates = [n for n in ast.walk(engine) if isinstance(n, ast.Call) and getattr(n.func, "id", "") == "Gate"]
    assert len(gates) == 1
    assert attributes(engine, "kill_switch_file") == attributes(gates[0], "kill_switch_file")


def test_orders_and_changes_leave_past_the_gate_alone() -> None:
    """Whoever gives the broker an order or new terms has asked the gate first, in the same function."""
    senders = {
        (name, function.name): function
        for name, tree in with_any(".submit", ".amend").items()
        if name.startswith(("bot/engine/", "bot/app/"))
        for function in functions(tree)
        for verb in ("submit", "amend")
        if any(ast.unparse(found.value).endswith("broker") for found in attributes(function, verb))
    }
    assert set(senders) == {(DISPATCHER, "_submit"), (DISPATCHER, "_amend")}
    for question, function in (("refusal", "_submit"), ("amendment_refusal", "_amend")):
        (asked,) = attributes(senders[DISPATCHER, function], question)
        sent = attributes(senders[DISPATCHER, function], function.strip("_"))
        assert asked.lineno < sent[0].lineno
