"""Libraries that other ones import and that nobody here uses: not loaded, each some megabytes of the bot's memory.

Context: the TWS client's events can be summed up by arrays, and import numpy for that; the log's library can paint
tracebacks, and imports a painter with the grammars of a hundred languages. The bot does neither. Together they were a
tenth of what it held after its start.
Decision: while such a client is imported, the name stands for something else, and for itself again afterwards, so that
whoever imports the library gets the library. Where its absence is provided for, it is absent (`hidden`); elsewhere a
stand-in finds the library when it is first used (`put_off`).
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, cast


class _FoundByUse(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # the machinery of imports asks for these
            raise AttributeError(name)
        return getattr(importlib.import_module(self.__name__), name)


@contextmanager
def put_off(library: str) -> Iterator[None]:
    """Have imports inside find a stand-in for a library, unless that is loaded already."""
    if library in sys.modules:
        yield
        return
    with _named(library, _FoundByUse(library)):
        yield


@contextmanager
def hidden(library: str) -> Iterator[None]:
    """Have imports inside fail for a library as if it were not installed, whether or not it is loaded already."""
    with _named(library, None):
        yield


@contextmanager
def _named(library: str, meanwhile: ModuleType | None) -> Iterator[None]:
    loaded = cast("dict[str, ModuleType | None]", sys.modules)  # None: not to be had, says the language
    before = loaded.get(library)
    loaded[library] = meanwhile
    try:
        yield
    finally:
        if before is not None:
            loaded[library] = before
        elif loaded.get(library) is meanwhile:
            del loaded[library]
