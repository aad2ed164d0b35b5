"""The log: plain lines on standard error, at the exchange's time, with nothing secret in them.

Lines of the standard library's loggers and of structlog look alike: time, words, facts.
"""

from __future__ import annotations

import logging
import os
import queue
import re
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, MutableMapping
from datetime import datetime
from types import TracebackType
from typing import Any, Final, TextIO
from urllib.parse import quote

from bot.domain import outside
from bot.domain.calendar import NEW_YORK
from bot.left_unloaded import hidden

with hidden("rich"):
    import structlog

Fields = MutableMapping[str, Any]
Now = Callable[[], datetime]

_MOST_LINES: Final = 10_000
_FLUSH_S: Final = 0.5
_NOISY: Final = ("ib_insync", "transitions", "asyncio", "aiosqlite", "waitress", "werkzeug", "alembic", "watchfiles")
_CHATTY: Final = (
    "discord",
)  # its warnings are about parts of it that nobody here uses; what fails comes as an exception
_COLOURS: Final = {"warning": "33", "error": "31", "critical": "1;31"}
_GAIN: Final = re.compile(r"\+\$[\d,.]*\d")
_LOSS: Final = re.compile(r"−\$[\d,.]*\d")
_MARKS: Final = {"warning": "warning: ", "error": "ERROR: ", "critical": "CRITICAL: "}
_MOST_CHARACTERS: Final = 65_536
"""Of one line with its traceback."""


def redactor(secrets: Iterable[str]) -> Callable[[str], str]:
    """Return a function that takes the given secrets out of a text, and what looks like one. Of a text that is longer
    than a line ever is, its beginning and its end stay."""
    hide = outside.hider(form for secret in secrets for form in (secret, quote(secret, safe="")))

    def without_secrets(text: str) -> str:
        text = hide(text)
        if len(text) > _MOST_CHARACTERS:
            text = _ends_of(text)
        return outside.redact(text)

    return without_secrets


class Redacted(logging.Formatter):
    """A line of a child without the secrets that it was given, tracebacks included."""

    def __init__(self, form: str, redact: Callable[[str], str]) -> None:
        super().__init__(form)
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        return self._redact(super().format(record))


def guard_last_words(redact: Callable[[str], str], stream: TextIO | None = None) -> None:
    """Let what ends a process or a thread be written without secrets: the interpreter's own traceback goes round every
    log."""

    def last_words(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
        words = "".join(traceback.format_exception(kind, error, trace))
        (stream or sys.stderr).write(redact(words))

    sys.excepthook = last_words
    threading.excepthook = lambda ended: last_words(ended.exc_type, ended.exc_value, ended.exc_traceback)


def _ends_of(text: str) -> str:
    """Return a text's beginning and end, each cut between words: half a secret is one, too."""
    half = _MOST_CHARACTERS // 2
    first, _, _ = text[:half].rpartition(" ")
    _, _, last = text[-half:].partition(" ")
    return f"{first} [{len(text) - len(first) - len(last)} characters are left out here] {last}"


class PlainLine:
    """The last processor: one event as one line."""

    def __init__(self, now: Now | None) -> None:
        self._now = now

    def __call__(self, _logger: object, _method: str, fields: Fields) -> str:
        trace = fields.pop("exception", "")
        line = f"{self._stamp(fields)}{self._words(fields)}"
        return f"{line}\n{trace}" if trace else line

    def _stamp(self, fields: Fields) -> str:
        told = fields.pop("at", None) or getattr(fields.get("_record"), "at", None)
        at = told or (self._now() if self._now else None)
        return f"{at.astimezone(NEW_YORK):%H:%M:%S} " if isinstance(at, datetime) else ""

    @staticmethod
    def _words(fields: Fields) -> str:
        level, event = str(fields.pop("level", "info")), fields.pop("event", "")
        for inner in ("logger", "_record", "_from_structlog", "stack_info"):
            fields.pop(inner, None)
        mark = _MARKS.get(level, "")
        event = "\n".join(map(outside.visible, str(event)[:_MOST_CHARACTERS].split("\n")))
        facts = " ".join(f"{key}={outside.outside(value, outside.MOST_SENTENCE)}" for key, value in fields.items())
        return f"{mark}{event}{'  ' + facts if facts else ''}"


def _wants_colour(stream: TextIO) -> bool:
    """Say whether a stream is a terminal whose reader has nothing against colour (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _coloured(line: str, level: str) -> str:
    """Return a line in the colour of its level; in one without, gains are green and losses red."""
    if level in _COLOURS:
        return f"\x1b[{_COLOURS[level]}m{line}\x1b[0m"
    line = _GAIN.sub("\x1b[32m\\g<0>\x1b[0m", line)
    return _LOSS.sub("\x1b[31m\\g<0>\x1b[0m", line)


class _RedactingFormatter(structlog.stdlib.ProcessorFormatter):
    """Redacts the finished line, tracebacks included: nothing that is written can have gone round it."""

    def __init__(self, redact: Callable[[str], str], *, colour: bool, **options: Any) -> None:
        super().__init__(**options)
        self._redact, self._colour = redact, colour

    def format(self, record: logging.LogRecord) -> str:
        text = self._redact(super().format(record))
        return _coloured(text, record.levelname.lower()) if self._colour else text


class AsideHandler(logging.Handler):
    """Writes from a thread of its own: a terminal that somebody holds (Ctrl-S) or a pipe that nobody empties must not
    hold the tick. What is beyond `most` waiting lines is left out, and how many those were is said afterwards.
    """

    def __init__(self, stream: TextIO, most: int = _MOST_LINES) -> None:
        super().__init__()
        self._stream = stream
        self._lines: queue.Queue[str] = queue.Queue(most)
        self._left_out = 0
        threading.Thread(target=self._write, daemon=True, name="log").start()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
            if self._left_out:
                self._lines.put_nowait(f"({self._left_out} lines were left out here: nobody took them)\n{line}")
            else:
                self._lines.put_nowait(line)
            self._left_out = 0
        except queue.Full:
            self._left_out += 1
        except Exception:  # as the library's own handlers do: a line that cannot be written is told of, not raised
            self.handleError(record)

    def flush(self) -> None:
        """Wait until everything is written, but not for ever."""
        until = time.monotonic() + _FLUSH_S
        while self._lines.unfinished_tasks and time.monotonic() < until:
            time.sleep(0.005)

    def _write(self) -> None:
        while True:
            line = self._lines.get()
            try:
                self._stream.write(line + "\n")
                self._stream.flush()
            except (OSError, ValueError):
                self._left_out += 1  # the stream is gone: nothing can be said on it
            finally:
                self._lines.task_done()


def configure_logging(
    level: str,
    secrets: Iterable[str] = (),
    now: Now | None = None,
    stream: TextIO | None = None,
    *,
    aside: bool = False,
) -> None:
    """Send structlog's and the standard library's log to standard error as plain lines.

    `now` gives the time of lines that do not bring their own `at` (the standard library's loggers bring it as
    `extra={"at": ...}`): the bot's clock, so that a simulated day reads as that day; without it they have no time.
    `aside` writes them from a thread, for a program that must not wait for its reader. Calling it again replaces what
    was configured before.
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.format_exc_info,
    ]
    formatter = _RedactingFormatter(
        redactor(secrets),
        colour=_wants_colour(stream or sys.stderr),
        foreign_pre_chain=shared,
        processors=[PlainLine(now)],
        use_get_message=True,
    )
    level = "info" if level == "detail" else level
    handler: logging.Handler = (AsideHandler if aside else logging.StreamHandler)(stream or sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.ERROR)
    for name in _NOISY:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level.upper())))
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
