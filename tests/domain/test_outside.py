"""The border for text that others wrote: short, on one line, nothing that steers, nothing secret, in linear time."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import outside as border
from bot.domain.outside import (
    MOST,
    MOST_FIELD,
    MOST_SENTENCE,
    facts,
    field,
    host_only,
    outside,
    private_parts,
    redact,
    sentence,
    visible,
)
from bot.log import redactor
from tests.work import costs_at_most

PIECES = (
    "a", "a_", "a+", "a.", "a://", "a://b:", "://@", "token=", "token:", "eyJaaaaaaaa.", "eyJaaaaaaaa-", "-----BEGIN ",
    'password="', "password='", "authorization ", "authorization: ", "bearer ", "bearer aaaaaaaaa ", "1", "12345678:",
    "\x1b[31m", "\u202e", "\u200b", "a\u0301", "\u0301", "é", "sk-ant-", "whsec_a", "?a=", "http://a?key=", "AKIA", " ",
    "api_key", "https://h/1a2b3c4d", "discord.com/api/webhooks/1/", "\n", "\r\n", "\x00", "\ud800",
    "\U000e0041", "\u2028",
)  # fmt: skip
ANY_TEXT = st.lists(st.sampled_from(PIECES) | st.text(max_size=20), max_size=60).map("".join)
MEGABYTE = 1_000_000
LINE = 65_536 + 100  # and the words about what was left out


@given(ANY_TEXT | st.binary(max_size=500))
def test_what_passes_is_short_on_one_line_and_printable_and_passes_again_unchanged(said: str | bytes) -> None:
    passed = outside(said)

    assert len(passed) <= MOST
    assert passed.isprintable()
    assert outside(passed) == passed


@given(ANY_TEXT)
def test_redacting_and_showing_twice_changes_nothing(said: str) -> None:
    assert redact(redact(said)) == redact(said)
    assert visible(visible(said)) == visible(said)


@given(
    st.recursive(ANY_TEXT | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(ANY_TEXT, inner))
)
def test_facts_of_any_shape_hold_no_text_beyond_the_border(value: object) -> None:
    def check(inner: object) -> None:
        if isinstance(inner, str):
            assert len(inner) <= MOST
            assert inner.isprintable()
        elif isinstance(inner, dict):
            for key, each in inner.items():
                check(key)
                check(each)
        elif isinstance(inner, list):
            for each in inner:
                check(each)

    check(facts({"value": value}))


@pytest.mark.parametrize("piece", PIECES)
def test_of_a_megabyte_of_any_alphabet_no_more_is_looked_through_than_a_line_is_long(
    monkeypatch: pytest.MonkeyPatch, piece: str
) -> None:
    read = [0]
    for name, reads in (("redact", redact), ("visible", visible)):
        monkeypatch.setattr(border, name, _counted(reads, read))
    said = piece * (MEGABYTE // len(piece))
    for through in (outside, sentence, field, redactor(["a-secret-of-ours", "another"])):
        read[0] = 0
        through(said)
        assert 0 < read[0] <= LINE


def _counted(reads: Callable[[str], str], read: list[int]) -> Callable[[str], str]:
    def counted(text: str) -> str:
        read[0] += len(text)
        return reads(text)

    return counted


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("through", [outside, sentence, field])
def test_what_is_cut_costs_the_same_however_long_it_was(through: Callable[[str], str], piece: str) -> None:
    long, longer = (piece * (n // len(piece)) for n in (20_000, MEGABYTE))

    assert costs_at_most(10, lambda: through(longer), lambda: through(long))


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("through", [redact, redactor(["a-secret-of-ours", "another"])])
def test_the_patterns_alone_are_linear(through: Callable[[str], str], piece: str) -> None:
    once, four_times = (piece * (n // len(piece)) for n in (10_000, 40_000))
    assert len(once) > MOST_FIELD, "shorter ones are first looked through for hints"

    assert costs_at_most(9, lambda: through(four_times), lambda: through(once))


@pytest.mark.parametrize(
    "said",
    [
        "postgresql+psycopg://bot:hunter2secret@db.example/x",
        "postgresql://bot:hunt/er2secret@db.example/x",
        "https://hunter2secret@monitor.example/",
        "https://monitor.example/ping?token=hunter2secret&x=1",
        "https://monitor.example/ping#key=hunter2secret",
        "https://monitor.example/0c7hunter2secret4f55",
        "password: hunter2secret",
        '{"api_key": "hunter2secret"}',
        "Authorization: Bearer hunter2secret",
        "my_token=hunter2secret",
        "smtp-password='hunter2secret with more'",
        "PGPASSWORD=hunter2secret",
        "sk-ant-hunter2secret",
    ],
)
def test_what_looks_like_a_secret_does_not_pass(said: str) -> None:
    assert "hunter2secret" not in outside(f"refused: {said} (at 12:00)")
    assert "hunter2secret" not in outside("x" * 150 + f" {said}")


@pytest.mark.parametrize(
    "said",
    [
        "Order rejected - reason: the exchange does not accept it",
        "https://api.unusualwhales.com/api/stock/SPY/spot-exposures",
        "sqlite+aiosqlite:////home/a@b/quanticity.db",
        "SPX 5900 C 2026-11-20: bid 2.09, ask 2.11",
        "stale:spot_gex:SPY 94s>90s",
    ],
)
def test_plain_words_pass_as_they_are(said: str) -> None:
    assert outside(said) == said


def test_what_would_hide_or_steer_is_shown() -> None:
    assert outside("a\nb\x1b[2J\u202e\u200b\u3164") == r"a\nb\x1b[2J\u202e\u200b\u3164"
    assert len(visible("e" + "\u0301" * 50)) > 200


def test_a_long_text_ends_visibly_and_a_field_keeps_what_can_mean_something() -> None:
    assert outside("word " * 1000).endswith("…")
    assert len(sentence("word " * 1000)) <= MOST_SENTENCE
    assert len(field("x" * 100_000)) == MOST_FIELD


def test_an_exception_that_cannot_say_what_it_is_passes_by_its_name() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no words")

    assert outside(Mute()) == "Mute"


def test_the_private_parts_of_a_monitors_address_are_all_that_follows_its_host() -> None:
    address = "https://me:pa%40ss1@hc.example/0123456789?k=abcdef#frag-ment"

    assert {"pa%40ss1", "pa@ss1", "0123456789", "abcdef", "frag-ment"} <= private_parts(address, path_too=True)
    assert host_only(address) == "https://hc.example/***"
    assert host_only("http://127.0.0.1:8080") == "http://127.0.0.1:8080"
    assert private_parts("sqlite+aiosqlite:////data/quanticity.db") == set()


@given(ANY_TEXT)
def test_what_no_hint_stands_for_no_pattern_finds(said: str) -> None:
    redacted = redact(said)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(border, "_may_hide", lambda low: True)
        assert redact(said) == redacted
