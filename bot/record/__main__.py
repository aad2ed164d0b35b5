"""The recorder's process: frames of rows come by standard input, and are on disk when their line is written.

`python -m bot.record FOLDER KEEP_DAYS`. It says `recorder ready` once, then `kept COUNT` for each frame. It ends when
its input does, however the bot ended, and makes Parquet of what is left before it goes.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import BinaryIO

from bot.record.keeper import Keeper
from bot.record.tap import HEAD_BYTES, length_of_frame, rows_of_frame


def main(arguments: list[str]) -> int:
    folder, keep_days = arguments
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the bot, which then closes our input
    keeper = Keeper(Path(folder), int(keep_days))
    _say("recorder ready")
    source = sys.stdin.buffer
    while (frame := _frame(source)) is not None:
        rows = rows_of_frame(frame)
        keeper.take(rows)
        _say(f"kept {len(rows)}")
    keeper.close()
    return 0


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
