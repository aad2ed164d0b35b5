"""The log's lines are plain, carry the exchange's time, and hold no secret."""

from __future__ import annotations

import io
import logging
import os
import re
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
import structlog

from bot.log import configure_logging, redactor

NOW = datetime(2026, 11, 20, 15, 0, 7, tzinfo=UTC)
SECRET = "s3cr/et+word"


@pytest.fixture
def logged() -> Iterator[Callable[[], str]]:
    """Configure the log onto a text; afterwards everything is as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    text = io.StringIO()
    root.handlers = []
    configure_logging("info", [SECRET], lambda: NOW, text)
    yield text.getvalue
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def test_lines_of_both_kinds_of_logger_look_alike(logged: Callable[[], str]) -> None:
    logging.getLogger("a").info("bought %d contracts", 4)
    structlog.get_logger("b").info("bought", contracts=4)
    assert logged() == "10:00:07 bought 4 contracts\n10:00:07 bought  contracts=4\n"


def test_a_line_may_bring_its_own_time(logged: Callable[[], str]) -> None:
    structlog.get_logger().warning("late", at=datetime(2026, 7, 1, 15, 0, tzinfo=UTC))
    assert logged() == "11:00:00 warning: late\n"


def test_what_is_below_the_level_is_left_out(logged: Callable[[], str]) -> None:
    structlog.get_logger().debug("detail")
    logging.getLogger("ib_insync.client").info("chatter of a library")
    assert logged() == ""


def test_secrets_are_taken_out_of_words_facts_and_tracebacks(logged: Callable[[], str]) -> None:
    try:
        raise ValueError(f"refused: {SECRET}")
    except ValueError:
        structlog.get_logger().exception("failed", key=SECRET)
        logging.getLogger("lib").exception("failed at https://x/?k=%s", "s3cr%2Fet%2Bword")
    text = logged()
    assert text.count("Traceback") == 2
    assert SECRET not in text
    assert "s3cr%2Fet" not in text
    assert "***" in text


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer hunter2hunter2",
        "{'Authorization': 'Bearer hunter2hunter2'}",
        "header authorization=Basic hunter2hunter2",
        "sent Bearer hunter2hunter2",
        "GET /api?token=hunter2hunter2&x=1",
        "api_key: hunter2hunter2",
        '{"login_token": "hunter2hunter2"}',
        "postgresql://bot:hunter2hunter2@db/q",
    ],
)
def test_what_looks_like_a_credential_is_taken_out_though_nobody_named_it(text: str) -> None:
    redacted = redactor(())(text)
    assert "hunter2" not in redacted
    assert "***" in redacted


@pytest.mark.parametrize(
    "text", ["the token is not set", "order qty-01ABC token", "http://127.0.0.1:1/login?token=abc"]
)
def test_ordinary_words_and_the_simulators_ready_link_stay(text: str) -> None:
    assert redactor(())(text) == text


def test_a_reader_that_does_not_read_holds_nobody_up() -> None:
    """Ctrl-S in the terminal, or a pager at the end of the pipe."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as held, os.fdopen(reading) as reader:
        root.handlers = []
        configure_logging("info", now=lambda: NOW, stream=held, aside=True)
        (aside,) = root.handlers

        def trade() -> None:
            for number in range(13_000):
                logging.getLogger("quanticity").info(f"line {number} of a day")

        trading = threading.Thread(target=trade, daemon=True)
        trading.start()
        trading.join(10)
        was_free = not trading.is_alive()
        lines = [next(reader) for _ in range(10_000)]
        assert lines[0] == "10:00:07 line 0 of a day\n"
        assert was_free
        logging.getLogger("quanticity").info("the reader is back")
        aside.flush()
        while lines[-1] != "10:00:07 the reader is back\n":
            lines.append(next(reader))
        left_out = [int(found[1]) for line in lines if (found := re.match(r"\((\d+) lines were left out", line))]
        assert left_out, "a pipe and a queue hold less than a day"
        assert sum(left_out) + sum("of a day" in line for line in lines) == 13_000, "each line is there or counted"
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    "stream, environ, is_coloured",
    [
        (Terminal, {}, True),
        (Terminal, {"NO_COLOR": ""}, True),
        (Terminal, {"NO_COLOR": "1"}, False),
        (Terminal, {"TERM": "dumb"}, False),
        (io.StringIO, {}, False),
    ],
)
def test_colour_is_for_a_terminal_whose_reader_wants_it(
    stream: type[io.StringIO], environ: dict[str, str], is_coloured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    told, root.handlers = stream(), []
    try:
        configure_logging("info", [], lambda: NOW, told)
        logging.getLogger("bot").error("no stop works")
        assert ("\x1b[" in told.getvalue()) is is_coloured
        assert "no stop works" in told.getvalue()
    finally:
        root.handlers, root.level = handlers, level
        structlog.reset_defaults()
