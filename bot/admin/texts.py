"""Texts for Telegram: HTML in which every value is escaped, cut to what one message holds, and long tables in pages.

Lengths count after the markup is read, and in UTF-16 units, as Telegram counts them.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from bot.charts.chart import Chart

LONGEST: Final = 4096
_PAGE: Final = 3400
_CUT: Final = " …"

Button = tuple[str, str]
"""Label and callback data, at most 64 bytes."""


@dataclass(frozen=True, slots=True)
class ChatReply:
    """What is said to a chat: a text whose first line stands out, below it a table of fixed width, below it buttons."""

    text: str
    table: str = ""
    buttons: tuple[Button, ...] = ()

    @property
    def html(self) -> str:
        text, table = _fitted(self.text, self.table)
        shown = as_html(text)
        return f"{shown}\n<pre>{html.escape(table, quote=False)}</pre>" if table else shown

    @property
    def plain(self) -> str:
        text, table = _fitted(self.text, self.table)
        return f"{text}\n{table}" if table else text


@dataclass(frozen=True, slots=True)
class ChatAnswer:
    """What a command comes to: pages of a reply, the first of which is sent, and a chart that follows as a picture."""

    pages: tuple[ChatReply, ...]
    picture: Chart | None = None


def as_html(text: str) -> str:
    """Return a plain text as HTML, its first line bold."""
    head, _, rest = cut(text).partition("\n")
    bold = f"<b>{html.escape(head, quote=False)}</b>" if rest else html.escape(head, quote=False)
    return f"{bold}\n{html.escape(rest, quote=False)}" if rest else bold


def cut(text: str, most: int = LONGEST) -> str:
    """Return a text of at most so many UTF-16 units, with a sign where something was left out."""
    if units(text) <= most:
        return text
    encoded = text.encode("utf-16-le")[: 2 * (most - units(_CUT))]
    return encoded.decode("utf-16-le", errors="ignore") + _CUT


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _fitted(text: str, table: str) -> tuple[str, str]:
    text = cut(text, LONGEST - 1 if table else LONGEST)
    return text, cut(table, max(LONGEST - units(text) - 1, 2)) if table else ""


def in_columns(rows: Iterable[Sequence[object]], heads: Sequence[str] = ()) -> str:
    """Return rows in columns of fixed width; numbers' columns are the caller's matter, all stand left."""
    cells = [list(map(str, row)) for row in ([heads, *rows] if heads else rows)]
    if not cells:
        return ""
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells)
    return "\n".join(line.rstrip() for line in lines)


def paged(title: str, rows: Sequence[Sequence[object]], heads: Sequence[str], empty: str = "none") -> ChatAnswer:
    """Return a table in as many pages as it needs, each with its heads."""
    if not rows:
        return ChatAnswer((ChatReply(f"{title}\n{empty}"),))
    pages: list[list[Sequence[object]]] = [[]]
    size = 0
    for row in rows:
        width = sum(len(str(cell)) + 2 for cell in row)
        if size + width > _PAGE and pages[-1]:
            pages.append([])
            size = 0
        pages[-1].append(row)
        size += width
    count = len(pages)
    heading = [f"{title}" if count == 1 else f"{title} ({number} of {count})" for number in range(1, count + 1)]
    return ChatAnswer(
        tuple(ChatReply(head, in_columns(page, heads)) for head, page in zip(heading, pages, strict=True))
    )


def plainly(text: str) -> ChatAnswer:
    return ChatAnswer((ChatReply(text),))
