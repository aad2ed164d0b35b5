"""A table as a file: row by row, so that a million rows take no more memory than a thousand."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

from bot.web.downloads import PIECE, csv_lines

COLUMNS = ("seq", "machine", "reason")


def rows(count: int) -> Iterator[tuple[int, str, str]]:
    return ((number, "position", "a reason that is some words long, as reasons are") for number in range(count))


def peak(count: int) -> int:
    """Return the most bytes that a file of so many rows holds at once while it is sent."""
    tracemalloc.start()
    try:
        sent = sum(len(piece) for piece in csv_lines(COLUMNS, rows(count)))
        assert sent > count * 50
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_what_a_file_holds_does_not_grow_with_its_rows() -> None:
    small, large = peak(5_000), peak(50_000)
    assert large < 1.5 * small
    assert large < 12 * PIECE
