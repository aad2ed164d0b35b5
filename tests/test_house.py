"""The shape of the product's code: every class name stands once, no file is too long to read, imports run one way."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import REPO_ROOT

MOST_LINES = 600


def test_no_class_name_stands_twice() -> None:
    where = defaultdict(list)
    for module, told in _modules().items():
        for name in told.classes:
            where[name].append(module)
    assert len(where) > 1000
    assert [(name, modules) for name, modules in where.items() if len(modules) > 1] == []


def test_no_file_is_too_long_to_read() -> None:
    lines = {str(path.relative_to(REPO_ROOT)): path.read_bytes().count(b"\n") for path in _files()}
    assert [(name, many) for name, many in lines.items() if many > MOST_LINES] == []


def test_no_module_needs_itself_to_be_imported() -> None:
    modules = _modules()
    needs = {name: {each for one in told.imports if (each := _ours(one, modules))} for name, told in modules.items()}
    assert sum(map(len, needs.values())) > 2000
    assert circle_in(needs) == []


@pytest.mark.parametrize(
    "text, needed",
    [
        ("import bot.domain.money", {"bot.domain.money"}),
        ("from bot.domain import money", {"bot.domain.money"}),
        ("from bot.domain.money import money", {"bot.domain.money"}),
        ("if True:\n    import bot.domain.money", {"bot.domain.money"}),
        ("class A:\n    import bot.domain.money", {"bot.domain.money"}),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import bot.domain.money", set()),
        ("def f():\n    import bot.domain.money", set()),
        ("import decimal", set()),
    ],
)
def test_what_a_module_needs_is_what_is_imported_while_it_is(text: str, needed: set[str]) -> None:
    modules = _modules()
    assert {each for one in _imports(ast.parse(text)) if (each := _ours(one, modules))} == needed


def test_a_circle_is_seen() -> None:
    assert circle_in({"a": {"b"}, "b": {"c"}, "c": set()}) == []
    assert set(circle_in({"a": {"b"}, "b": {"c"}, "c": {"b"}})) == {"b", "c"}


def circle_in(needs: Mapping[str, set[str]]) -> list[str]:
    """Return the modules of a circle of imports, one after the other; none where there is no circle."""
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def _files() -> list[Path]:
    return sorted((REPO_ROOT / "bot").rglob("*.py"))


class Told(NamedTuple):
    """What a file says: the classes it makes, and (module, name) of what it imports while it is imported itself."""

    classes: tuple[str, ...]
    imports: tuple[tuple[str, str], ...]


@cache
def _modules() -> dict[str, Told]:
    return {_name_of(path): _told(ast.parse(path.read_text(encoding="utf-8"))) for path in _files()}


def _name_of(path: Path) -> str:
    return ".".join(path.relative_to(REPO_ROOT).with_suffix("").parts).removesuffix(".__init__")


def _told(module: ast.Module) -> Told:
    classes = tuple(each.name for each in _statements(module, ()) if isinstance(each, ast.ClassDef))
    return Told(classes, tuple(_imports(module)))


def _imports(module: ast.Module) -> Iterator[tuple[str, str]]:
    for each in _statements(module, (ast.FunctionDef, ast.AsyncFunctionDef)):
        if isinstance(each, ast.Import):
            yield from ((one.name, "") for one in each.names)
        elif isinstance(each, ast.ImportFrom) and each.module and not each.level:
            yield from ((each.module, one.name) for one in each.names)


def _statements(module: ast.Module, without: tuple[type[ast.AST], ...]) -> Iterator[ast.AST]:
    """Yield the statements, also those within others: not what is for the type checker, nor what is in `without`."""
    waiting: list[ast.AST] = [module]
    while waiting:
        each = waiting.pop()
        if isinstance(each, (ast.expr, *without)) or _is_for_types(each):
            continue
        yield each
        waiting.extend(ast.iter_child_nodes(each))


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _ours(told: tuple[str, str], modules: Mapping[str, Told]) -> str | None:
    """Return the module of ours that an import needs: the name may be a module itself, or something in one."""
    return next((name for name in (".".join(told), told[0]) if name in modules), None)
