"""Where things are: the one function for every path in the settings, and what a path may hold.

A relative path counts from the directory above `config/`, `~` is the user's home, and any character that a directory's
name may have is kept. In `database.url` a `?` begins the options and a `%` a code: in a path they stand there as `%3F`
and `%25`; SQLAlchemy reads it so.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final
from urllib.parse import unquote

_SQLITE: Final = re.compile(r"(sqlite[^:/]*:///)([^?]*)(.*)", re.DOTALL)


def placed(written: str, root: Path) -> str:
    """Return a path of the settings as an absolute one; empty stays empty, for that is none. Raises ValueError for what
    no path can hold, and for the home of a user whom nobody knows."""
    if not written:
        return ""
    if "\0" in written or written != written.strip():
        raise ValueError("a path has no blanks around it and no zero bytes in it")
    try:
        return str(root.resolve() / Path(written).expanduser())
    except RuntimeError as error:
        raise ValueError(f"{written!r}: {error}") from error


def placed_url(url: str, root: Path) -> str:
    """Return an address of a store with its file, where it is one, at its absolute place."""
    file = _SQLITE.fullmatch(url)
    if not file or not file[2] or file[2] == ":memory:":
        return url
    written = in_file_name(file[2])
    return f"{file[1]}{in_url(placed(written, root))}{file[3]}"


def in_url(path: str) -> str:
    """Return a path as it stands in an address of a store."""
    return path.replace("%", "%25").replace("?", "%3F")


def in_file_name(written: str) -> str:
    """Return the path that an address of a store means."""
    return unquote(written)
