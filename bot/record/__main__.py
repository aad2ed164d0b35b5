"""The recorder's process: frames of rows come by standard input, and are on disk when their line is written.

`python -m bot.record keep FOLDER KEEP_DAYS` says `recorder ready` once, then `kept COUNT` for each frame; where it
cannot go on, `failed REASON` is its last line. It ends when its input does, however the bot ended. What is in the
journal then is made into Parquet by `python -m bot.record finish DAY`, which outlives it, so that nobody who stops has
to wait.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import BinaryIO, Final

from bot.domain.recording import RecordingFault
from bot.record.keeper import Keeper, finish
from bot.record.tap import HEAD_BYTES, columns_of_frame, count_of, length_of_frame

_PATIENCE_S: Final = 45.0  # an earlier run's last hour may still be made into Parquet


def main(arguments: list[str]) -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the bot, which then closes our input
    match arguments:
        case ["keep", folder, keep_days]:
            return _keep(Path(folder), int(keep_days))
        case ["finish", day]:
            finish(Path(day))
            return 0
    sys.stderr.write("python -m bot.record keep FOLDER KEEP_DAYS | finish DAY\n")
    return 2


def _keep(folder: Path, keep_days: int) -> int:
    try:
        keeper = Keeper(folder, keep_days, _PATIENCE_S)
        _say("recorder ready")
        source = sys.stdin.buffer
        while (frame := _frame(source)) is not None:
            columns = columns_of_frame(frame)
            keeper.take(columns)
            _say(f"kept {count_of(columns)}")
    except (OSError, RecordingFault) as error:  # no room, no right, another recorder: the bot tells people
        _say(f"failed {_in_words(error)}")
        return 1
    keeper.leave()
    return 0


def _in_words(error: Exception) -> str:
    """Return a reason as one line."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _frame(source: BinaryIO) -> bytes | None:
    """Return the next whole frame; None at the end, and for a frame that the bot's death cut short."""
    head = source.read(HEAD_BYTES)
    if len(head) < HEAD_BYTES:
        return None
    length = length_of_frame(head)
    body = source.read(length)
    return body if len(body) == length else None


def _say(words: str) -> None:
    try:
        sys.stdout.write(f"{words}\n")
        sys.stdout.flush()
    except BrokenPipeError:  # the bot is gone: what it sent is kept all the same
        sys.stdout = open("/dev/null", "w", encoding="utf-8")  # noqa: SIM115, PTH123 - until this process ends


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
