"""The venue's book on disk, so that a simulator that is started again has the orders and positions it had.

One JSON file, replaced atomically. A torn or foreign file is no book: the day begins anew and says so.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class VenueBook:
    """What a venue was doing: its day and time, and the matching engine's own snapshot."""

    scenario: str
    seed: int
    day: date
    at: datetime
    venue: dict[str, Any]


def read_book(path: Path) -> VenueBook | None:
    """Return the book, None where there is none or where it cannot be read."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return VenueBook(
            scenario=data["scenario"],
            seed=int(data["seed"]),
            day=date.fromisoformat(data["day"]),
            at=datetime.fromisoformat(data["at"]),
            venue=data["venue"],
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_book(path: Path, book: VenueBook) -> None:
    """Replace the book; raises OSError when the disk does not take it."""
    replace_file(path, json.dumps(asdict(book) | {"day": book.day.isoformat(), "at": book.at.isoformat()}))


def replace_file(path: Path, text: str) -> None:
    """Put a text in a file's place at once; raises OSError when the disk does not take it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(path.suffix + ".new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
