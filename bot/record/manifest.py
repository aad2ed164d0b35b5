"""What lies in a day's folder: its finished files, each with its digest and a copy of its own index."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from bot.domain.recording import SCHEMA, EventKind, RecordingFault

NAME: Final = "manifest.json"
_CHUNK: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Part:
    """One finished file. `since` and `until` are microseconds of the first and the last receipt in it."""

    file: str
    kind: str
    rows: int
    first: int
    last: int
    since: int
    until: int
    size: int
    sha256: str
    index: str

    @property
    def copy_of_index(self) -> bytes:
        return base64.b64decode(self.index)


@dataclass(frozen=True, slots=True)
class Manifest:
    """`parts` in the order in which they were finished."""

    parts: tuple[Part, ...] = ()

    @property
    def last(self) -> int:
        """The highest sequence that is in any file."""
        return max((part.last for part in self.parts), default=0)

    def numbered(self, kind: EventKind) -> str:
        """Return the name of the next file of a kind."""
        count = sum(1 for part in self.parts if part.kind == kind.value)
        return f"{kind.value}-{count + 1:06d}.parquet"


def read(folder: Path) -> Manifest:
    """Return what a folder says it holds, nothing where it says nothing; raises RecordingFault for what makes no
    sense."""
    path = folder / NAME
    if not path.exists():
        return Manifest()
    try:
        told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if told["schema"] != SCHEMA:
            raise RecordingFault(f"{NAME}: its schema is {told['schema']}, this is {SCHEMA}")
        if told["sha256"] != _digest_of_list(told["parts"]):
            raise RecordingFault(f"{NAME}: it is not as it was written: its digest differs")
        parts = tuple(Part(**each) for each in told["parts"])
        wrong = [part.file for part in parts if Path(part.file).name != part.file or part.kind not in set(EventKind)]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RecordingFault(f"{NAME}: it cannot be read: {type(error).__name__}: {error}") from error
    if wrong:
        raise RecordingFault(f"{NAME}: it names what is no file of a recording: {wrong[0]!r}")
    return Manifest(parts)


def write(folder: Path, manifest: Manifest) -> None:
    """Write beside, then take the name: whoever reads has the old list or the new one, whole."""
    parts = [asdict(part) for part in manifest.parts]
    text = json.dumps({"schema": SCHEMA, "sha256": _digest_of_list(parts), "parts": parts}, indent=1)
    beside = folder / f".{NAME}.{os.getpid()}"
    with beside.open("w", encoding="utf-8") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    beside.replace(folder / NAME)


def _digest_of_list(parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def digest_of(path: Path) -> str:
    """Return a file's SHA-256."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def day_of(folder: Path) -> date | None:
    """Return the day that a folder's name is, None for one that is none."""
    try:
        return date.fromisoformat(folder.name)
    except ValueError:
        return None
