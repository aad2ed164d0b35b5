"""The bot's own source, for tests that ask it something: read once, and parsed only where one of their words stands."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@cache
def texts() -> dict[str, str]:
    """Return every file of `bot/`, named from the root, with what is in it."""
    paths = sorted((ROOT / "bot").rglob("*.py"))
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in paths}


@cache
def tree(path: str) -> ast.Module:
    return ast.parse(texts()[path])


def with_any(*words: str, under: str = "bot/") -> dict[str, ast.Module]:
    """Return the parsed files below `under` in which one of the words stands."""
    return {
        path: tree(path)
        for path, text in texts().items()
        if path.startswith(under) and any(word in text for word in words)
    }


@cache
def functions(path: str) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Return the functions of a file, those within others and in classes too."""
    return [node for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
