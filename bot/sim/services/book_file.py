"""The services' book on disk, so that chats, message ids and unread updates outlive a start, as the venue's orders do.

One JSON file, replaced atomically; a torn or foreign file is no book, and the services begin anew.
"""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path
from typing import Final

from bot.sim.book_file import replace_file
from bot.sim.services.book import ServiceBook

log: Final = logging.getLogger("quanticity")

_EVERY_S: Final = 0.5


def read_into(book: ServiceBook, path: Path) -> bool:
    """Take up the book on disk; says whether there was one that can be read."""
    try:
        book.restore(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False
    return True


class ServicesBookKeeper:
    """Writes the book twice a wall second while it changes, and at the end. A disk that does not take it is told once;
    the services go on."""

    def __init__(self, book: ServiceBook, path: Path) -> None:
        self._book, self._path = book, path
        self._written, self._told = -1, False

    async def keep(self) -> None:
        while True:
            await asyncio.sleep(_EVERY_S)
            if self._book.changes != self._written:
                await asyncio.to_thread(self._write, self._dump())

    def write(self) -> None:
        """Write it now, where it changed."""
        if self._book.changes != self._written:
            self._write(self._dump())

    def _dump(self) -> str:
        self._written = self._book.changes
        return json.dumps(self._book.snapshot())

    def _write(self, text: str) -> None:
        try:
            replace_file(self._path, text)
        except OSError as error:
            if not self._told:
                log.error(f"the services' book {self._path} cannot be written: {error.strerror}; they go on")
            self._told = True
