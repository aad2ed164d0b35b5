"""Whatever comes over the wire: told with its raw fields, never guessed at, never fatal.

A bot with a working entry, or with a position and its stop, hears messages in which a number is none, a field is
missing or a word is in no table. It must live on, say so, and change nothing. The store is the real one: a number that
it cannot hold would fail the tick.
"""

from __future__ import annotations

import asyncio
import math
import shutil
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.broker.decoder import NUMBERS
from bot.clocks.clock import ManualClock
from bot.domain.order import Purpose
from bot.domain.outside import visible
from bot.store.revision import upgrade
from bot.store.sql_store import SqlStore
from tests.broker.book_tws import BookTws
from tests.broker.fake_tws import (
    ACCOUNT,
    OPTION,
    commission,
    completed_order,
    contract_details,
    execution,
    open_order,
    order_status,
    position,
)
from tests.broker.wired import TEN, Wired
from tests.examples import examples

NO_NUMBERS = (
    "",
    "abc",
    "nan",
    "-nan",
    "inf",
    "-inf",
    "Infinity",
    "1e400",
    "9" * 30,
    "0x10",
    "1,5",
    "None",
    "½",
    "\x07",
)
NO_WORDS = ("", "Meditating", "nan", "0", "\x07", "x" * 5000, "½")
Message = tuple[Any, ...]


@asynccontextmanager
async def bot_with_the_real_store(path: Path, **options: Any) -> AsyncIterator[Wired]:
    url = f"sqlite+aiosqlite:///{path}"
    clock = ManualClock(TEN)
    store, tws = SqlStore(url, clock), BookTws()
    await store.open()
    await tws.start()
    bot = Wired(tws, store=store, clock=clock, settings={"execution": {"entry_timeout_s": 1e6}}, **options)
    try:
        yield await bot.start()
    finally:
        await bot.engine.stop("the test is over")
        await bot.broker.stop()
        await tws.stop()
        await store.close()


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bad_input") / "empty.db"
    upgrade(f"sqlite+aiosqlite:///{path}")
    return path


@pytest.fixture
def path(empty: Path, tmp_path: Path) -> Path:
    """A migrated store of the test's own."""
    return Path(shutil.copy(empty, tmp_path / "bot.db"))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.broker.snapshot.SETTLE_S", 0.0)
    monkeypatch.setattr("ib_insync.client.Client.MaxRequests", 0)
    monkeypatch.setattr("bot.broker.callbacks.hearing.MOST_ALERTS", 10_000)


def what_hangs_on_it(bot: Wired) -> tuple[object, ...]:
    """Return everything that a message about orders, fills and holdings could have moved."""
    ledger = bot.engine.ledger
    orders = {o.id: (o.state, o.order_id, o.perm_id, o.terms, o.filled_quantity) for o in ledger.orders.values()}
    positions = {p.id: (p.state, p.quantity, p.entry_value, p.commissions) for p in ledger.positions.values()}
    held = (bot.session, bot.connection, dict(ledger.entering.halted_symbols), ledger.account.equity)
    return orders, positions, set(ledger.fills.executions), dict(ledger.fills.commissions), held


def messages_about(bot: Wired, order_id: int, ref: str, perm_id: int) -> dict[str, Message]:
    """Return one sound message of every kind that something hangs on, about an order of ours."""
    return {
        "3": order_status(order_id, "Submitted", filled=0, remaining=3, perm_id=perm_id),
        "5": open_order(order_id, ref, quantity=3, limit="5.0", perm_id=perm_id),
        "9": (9, 1, 40),
        "11": execution(order_id, "0000ee.01.01.01", ref, shares=1, price="5.0", perm_id=perm_id),
        "59": commission("0000ee.01.01.01", "1.3"),
        "94": (94, bot.broker._account._requests[-1], "1.0", "2.0", "3.0"),
    }


def with_field(message: Message, index: int, value: str) -> Message:
    return (*message[:index], value, *message[index + 1 :])


def spoiled_numbers(messages: dict[str, Message]) -> Iterator[Message]:
    """Yield every message with every number that counts replaced by every thing that is none, and cut off before it."""
    for kind, message in messages.items():
        for index, is_sound in NUMBERS[kind].items():
            yield message[:index]
            for value in NO_NUMBERS:
                if value or is_sound.__name__ != "_is_amount_or_unset":
                    yield with_field(message, index, value)


async def test_a_number_that_is_none_is_told_with_its_raw_fields_and_moves_nothing(path: Path) -> None:
    async with bot_with_the_real_store(path) as bot:
        order = await bot.working()
        assert order.order_id is not None
        kept = bot.tws.only("LMT")
        before = what_hangs_on_it(bot)
        sent = list(spoiled_numbers(messages_about(bot, order.order_id, order.order_ref, kept.perm_id)))
        assert len(sent) > 200
        for message in sent:
            bot.tws.send(*message)
        await bot.heard()
        assert what_hangs_on_it(bot) == before
        told = {tuple(alert.facts["fields"]) for alert in bot.alerts("TWS_UNREADABLE")}
        raw = {tuple(visible(str(field)) for field in message)[:60] for message in sent}
        texts = {alert.text for alert in bot.alerts("TWS_UNREADABLE")}
        assert told <= raw
        assert len(texts) > 200, "the same words are told once a minute"
        assert not {"TICK_FAILED", "ORDER_REJECTED", "QUESTION_FAILED"} & set(bot.codes)
        bot.tws.fill(kept)
        await bot.until(lambda: bot.holds and bot.position.protected_at)
        assert bot.position.quantity == 3, "it hears what is sound all the while"


@pytest.mark.parametrize("value", ["", "abc", "nan", "-inf", "9" * 30])
async def test_a_holding_that_cannot_be_read_is_not_an_empty_one(path: Path, value: str) -> None:
    async with bot_with_the_real_store(path) as bot:
        await bot.hold()
        sound = bot.tws.answers[61]
        asked = len(bot.tws.of(61))
        bot.tws.answers[61] = lambda _: bot.tws.send_all([with_field(position(quantity=3), 14, value), (62, 1)])
        await bot.until(lambda: len(bot.tws.of(61)) > asked + 1, step=20.0)
        await bot.heard()
        assert bot.position.quantity == 3
        assert "POSITION_GONE" not in bot.codes
        assert "positions" in bot.alerts("SNAPSHOT_INCOMPLETE")[0].text
        bot.tws.answers[61] = sound
        await bot.until(lambda: bot.connection == "synced", step=5.0)
        assert bot.of(Purpose.PROTECT)[-1].state == "working"


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e12", "", "9" * 30])
async def test_an_account_value_that_is_none_is_told_and_the_last_one_stays(path: Path, value: str) -> None:
    async with bot_with_the_real_store(path) as bot:
        equity = await bot.until(lambda: bot.engine.ledger.account.equity)
        bot.tws.send(6, 2, "NetLiquidation", value.replace("1e12", "1e200"), "USD", ACCOUNT)
        await bot.heard()
        assert bot.engine.ledger.account.equity == equity
        assert bool(bot.alerts("UNKNOWN_WORD")) is bool(value), "empty is the word for none"
        assert "TICK_FAILED" not in bot.codes


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e200", "1e14"])
async def test_a_price_that_is_none_takes_the_quote_away_and_is_told(path: Path, value: str) -> None:
    async with bot_with_the_real_store(path) as bot:
        held = await bot.hold()
        bot.tws.send(1, 6, bot.line, 1, value, 10, 0)
        (told,) = await bot.until(lambda: bot.alerts("UNKNOWN_WORD"))
        assert value in told.facts["fields"]
        await bot.heard()
        quote = bot.engine.board.quote(bot.key)
        assert quote is not None
        assert quote.bid is None, "no bid rather than a wrong one"
        assert (bot.position.high, bot.position.stop_price) == (held.high, held.stop_price)
        assert len(bot.tws.live) == 1, "the stop alone"


async def test_words_that_no_table_has_change_no_order(path: Path) -> None:
    async with bot_with_the_real_store(path) as bot:
        order = await bot.working()
        assert order.order_id is not None
        kept = bot.tws.only("LMT")
        before = what_hangs_on_it(bot)
        sound = messages_about(bot, order.order_id, order.order_ref, kept.perm_id)
        for word in NO_WORDS:
            bot.tws.send(*with_field(sound["3"], 2, word))
            bot.tws.send(*with_field(sound["11"], 18, word))
            bot.tws.send(*with_field(sound["11"], 15, word))
            bot.tws.send(*with_field(sound["5"], 92, word))
        await bot.heard()
        assert what_hangs_on_it(bot) == before
        assert len(bot.alerts("UNKNOWN_WORD")) + len(bot.alerts("TWS_UNREADABLE")) >= len(NO_WORDS)


async def test_callbacks_that_fit_nothing_are_told_with_their_fields(path: Path) -> None:
    async with bot_with_the_real_store(path) as bot:
        before = what_hangs_on_it(bot)
        bot.tws.send(*order_status(4_711, "Submitted", perm_id=8_888, client_id=3))
        bot.tws.send(*commission("0000zz.01.01.01", "7.7"))
        asked = len(bot.tws.of(61))
        await bot.until(lambda: len(bot.tws.of(61)) >= asked + 3, step=60.0)
        (status,) = await bot.until(lambda: bot.alerts("STRAY_STATUS"))
        assert (status.facts["order_id"], status.facts["perm_id"], status.facts["status"]) == (
            4_711,
            8_888,
            "Submitted",
        )
        (fee,) = await bot.until(lambda: bot.alerts("STRAY_COMMISSION"), step=60.0)
        assert fee.facts["exec_id"] == "0000zz.01.01.01"
        bot.tws.send(*execution(99, "0000ff.01.01.01", "", client_id=3, perm_id=8_889))
        await bot.until(lambda: "FOREIGN_EXECUTION" in bot.codes)
        bot.tws.send(*open_order(98, "", client_id=3, perm_id=8_890))
        await bot.until(lambda: "FOREIGN_ORDER" in bot.codes)
        assert what_hangs_on_it(bot)[:2] == before[:2], "orders and positions"


# ---- anything at all


def templates(bot: Wired) -> list[Message]:
    order = bot.of(Purpose.ENTRY)[-1]
    assert order.order_id is not None
    kept = bot.tws.book[order.order_id]
    line = bot.line
    ours = messages_about(bot, order.order_id, order.order_ref, kept.perm_id)
    return [
        *(message for kind, message in ours.items() if kind != "11"),
        execution(77, "0000ee.01.01.01", "", client_id=3, perm_id=5, shares=1),  # one of ours would be one of ours
        completed_order(order.order_ref, "Cancelled", perm_id=kept.perm_id, quantity=3),
        contract_details(5, OPTION),
        position(quantity=3),
        (1, 6, line, 1, "4.9", 10, 0),
        (2, 6, line, 0, 10),
        (4, 2, order.order_id, 399, "text", ""),
        (6, 2, "NetLiquidation", "100000", "USD", ACCOUNT),
        (12, 1, line, 0, 0, 1, "4.9", 10),
        (15, 1, ACCOUNT),
        (21, line, 13, 0, "0.2", "0.5", "5", "0", "0.1", "0.1", "-0.1", "6000"),
        (45, 6, line, 49, "0"),
        (49, 1, "1795186800"),
        (58, 1, line, 1),
        (93, 32, 1, "0", "0.05"),
        (99, line, 1, "1795186800", "5.0", 1, 0, "CBOE", ""),
        (100, 1, 2, 3),
    ]


GARBAGE = st.one_of(
    st.sampled_from([*NO_NUMBERS, *NO_WORDS, "-1", "1.7976931348623157E308", "-99999999999999999999"]),
    st.floats().filter(lambda x: math.isnan(x) or math.isinf(x) or abs(x) > 1e15).map(str),
    st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20),
)


@st.composite
def broken(draw: st.DrawFn, count: int) -> tuple[int, list[tuple[int, str]], int | None]:
    """Return (which template, what to put where, where to cut it off)."""
    which = draw(st.integers(0, count - 1))
    puts = draw(st.lists(st.tuples(st.integers(0, 140), GARBAGE), min_size=1, max_size=4))
    cut = draw(st.one_of(st.none(), st.integers(0, 30)))
    return which, puts, cut


def break_it(message: Message, puts: Sequence[tuple[int, str]], cut: int | None) -> Message:
    fields = [str(field) for field in message]
    for index, value in puts:
        fields[index % len(fields)] = value
    return tuple(fields[:cut])


def test_no_message_of_any_shape_stops_the_bot_or_takes_what_it_holds(path: Path) -> None:
    """After each broken message: the tick goes on, the socket is heard, the session is not halted."""

    async def open_() -> tuple[Any, Wired]:
        context = bot_with_the_real_store(path)
        bot = await context.__aenter__()
        await bot.hold()
        return context, bot

    async def hear(bot: Wired, message: Message) -> None:
        bot.tws.send(*message)
        await bot.heard()
        assert "TICK_FAILED" not in bot.codes
        assert "CONNECTION_FAULT" not in bot.codes
        assert bot.tws.logins == 1, "the connection stays"
        assert bot.session in {"active", "reconciling"}

    with asyncio.Runner() as runner:
        context, bot = runner.run(open_())
        count = len(templates(bot))

        @settings(max_examples=examples(100), deadline=None, suppress_health_check=list(HealthCheck), database=None)
        @given(broken(count))
        def hear_anything(what: tuple[int, list[tuple[int, str]], int | None]) -> None:
            which, puts, cut = what
            runner.run(hear(bot, break_it(templates(bot)[which], puts, cut)))

        try:
            hear_anything()
            assert {p.quantity for p in bot.engine.ledger.positions.values()} == {3}
            assert [o.state for o in bot.of(Purpose.PROTECT)][-1] == "working"
        finally:
            runner.run(context.__aexit__(None, None, None))
