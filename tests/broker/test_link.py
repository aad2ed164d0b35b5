"""The link to the broker through socket, adapter and engine: what each trouble keeps in, what heals it, what is asked
anew, and that market data prove themselves by their age."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from bot.domain.events.people import RequestKind
from bot.domain.order import Purpose
from bot.domain.position import PositionState
from tests.broker.book_tws import BookTws
from tests.broker.wired import NO_LIMITS, Wired, wired

BOOK = (16, 99, 7, 61)
"""Open orders, completed orders, executions, positions."""
WORDS = {
    1100: "Connectivity between IB and TWS has been lost.",
    1101: "Connectivity restored, data lost.",
    1102: "Connectivity restored, data maintained.",
    2103: "Market data farm connection is broken:usopt",
    2104: "Market data farm connection is OK:usopt",
    2105: "HMDS data farm connection is broken:ushmds",
    2106: "HMDS data farm connection is OK:ushmds",
    2110: "Connectivity between TWS and server is broken.",
}


def say(bot: Wired, *codes: int) -> None:
    for code in codes:
        bot.tws.error(-1, code, WORDS[code])


async def proposes_in_vain(bot: Wired) -> str:
    """Offer a trade and return why it is not taken."""
    sent, looks = len(bot.tws.of(3)), bot.strategy.looks
    bot.strategy.contract = bot.contract
    await bot.tick()
    await bot.tick(1.0)
    assert bot.strategy.looks == looks, "nobody even looks"
    assert len(bot.tws.of(3)) == sent
    bot.strategy.contract = None
    return " ".join(bot.engine._tick_memory.scanner.waiting_for(bot.engine.ledger))


async def fall_silent(bot: Wired) -> None:
    """A farm's notice comes, and the line says nothing more while TWS itself goes on answering."""
    lines = len(bot.tws.of(1))
    say(bot, 2103)
    await bot.until(lambda: len(bot.tws.of(1)) > lines)
    await bot.heard()
    await bot.until(lambda: bot.connection == "degraded_data")


def asked(bot: Wired) -> dict[int, int]:
    return {message: len(bot.tws.of(message)) for message in BOOK}


# ---- 1100, 1101, 1102, 2110


@pytest.mark.parametrize("lost", [1100, 2110])
async def test_while_tws_has_lost_the_broker_nothing_is_sent_and_fills_are_heard(book_tws: BookTws, lost: int) -> None:
    async with wired(book_tws) as bot:
        order = await bot.working()
        say(bot, lost)
        await bot.until(lambda: bot.connection == "degraded_orders")
        (told,) = bot.alerts("LINK_DEGRADED")
        assert (told.severity, told.facts["detail"]) == ("critical", f"{lost}: {WORDS[lost]}")
        sent = len(book_tws.asked)
        book_tws.fill(book_tws.only("LMT"))
        await bot.until(lambda: bot.holds and bot.position.quantity == 3)
        await bot.command(RequestKind.CLOSE, position_id=bot.position.id)
        for _ in range(5):
            await bot.tick(0.5)
        assert book_tws.asked[sent:] == [], "neither stop nor sale nor cancel"
        assert bot.order(order).state == "filled"
        assert "degraded_orders" in await proposes_in_vain(bot)


@pytest.mark.parametrize("codes", [(1100, 1101), (1100, 1102), (1101,), (1102,), (2110, 1101), (2110, 2104)])
async def test_when_the_broker_is_back_the_whole_book_is_read_before_anything_else(
    book_tws: BookTws, codes: tuple[int, ...]
) -> None:
    async with wired(book_tws) as bot:
        await bot.working()
        before = asked(bot)
        say(bot, *codes)
        kept = book_tws.only("LMT")
        book_tws.fill(kept, told=False)  # a fill that no callback tells of
        await bot.until(lambda: bot.holds and bot.position.protected_at)
        await bot.until(lambda: (bot.connection, bot.session) == ("synced", "active"))
        assert bot.position.quantity == 3
        assert book_tws.only("STP").quantity == 3
        assert all(count > before[message] for message, count in asked(bot).items())


async def test_data_lost_means_that_every_line_is_asked_for_anew_and_proved_by_its_age(book_tws: BookTws) -> None:
    async with wired(book_tws) as bot:
        await bot.until(lambda: bot.engine.ledger.account.equity)
        lines = len(book_tws.of(1))
        say(bot, 1100, 1101)
        await bot.until(lambda: len(book_tws.of(1)) == lines + 1)
        assert book_tws.of(1)[-1][3:12] == book_tws.of(1)[0][3:12], "the same contract under a new number"
        assert book_tws.of(1)[-1][2] != book_tws.of(1)[0][2]
        await bot.until(lambda: bot.session == "active")
        await bot.tick(16.0)  # the last price is from before: it grows old, and nobody trades on it
        bot.strategy.contract = bot.contract
        await bot.until(lambda: bot.has_signal and bot.signal.state == "rejected")
        rows = [row for batch in bot.batches for row in batch.transitions if row.trigger == "reject"]
        assert "QUOTE" in rows[-1].reason.upper()
        assert not [each for each in book_tws.of(3) if each[26]], "no order went out"
        await bot.quote("4.8", "5.0")
        order = await bot.propose()
        assert bot.order(order).state in {"submitted", "working"}


async def test_data_that_are_said_to_be_kept_and_stay_silent_are_asked_for_anew(
    book_tws: BookTws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.broker.adapter.QUIET_AFTER_RESTORE_S", 0.01)
    async with wired(book_tws) as bot:
        lines = len(book_tws.of(1))
        say(bot, 1100, 1102)
        await bot.until(lambda: len(book_tws.of(1)) == lines + 1)
        assert book_tws.of(2)[-1][2] == book_tws.of(1)[lines - 1][2], "the silent one is given back"
        await bot.quote("4.8", "5.0")
        assert bot.connection == "synced"


async def test_a_broker_that_stays_away_blocks_entries_by_a_breaker_and_is_told(book_tws: BookTws) -> None:
    limits = {**NO_LIMITS, "tws_gone_s": 15}
    async with wired(book_tws, settings={"risk": limits}) as bot:
        say(bot, 1100)
        await bot.until(lambda: bot.connection == "degraded_orders")
        for _ in range(20):
            await bot.tick(1.0)
        (told,) = bot.alerts("BREAKER_TRIPPED")
        assert told.facts["breaker"] == "tws_gone"
        say(bot, 1102)
        await bot.until(lambda: bot.connection == "synced" and not bot.engine.ledger.entering.blocks, step=1.0)


# ---- 2103, 2105


@pytest.mark.parametrize("broken, ok", [(2103, 2104), (2105, 2106)])
async def test_a_broken_farm_keeps_entries_out_and_lets_exits_go_until_it_heals(
    book_tws: BookTws, broken: int, ok: int
) -> None:
    async with wired(book_tws) as bot:
        await bot.hold()
        say(bot, broken)
        await bot.until(lambda: bot.connection == "degraded_data")
        assert WORDS[broken] in bot.engine.ledger.connection.detail
        assert [alert.severity for alert in bot.alerts("LINK_DEGRADED")] == ["warning"]
        assert "degraded_data" in await proposes_in_vain(bot)
        await bot.command(RequestKind.CLOSE, position_id=bot.position.id)
        await bot.until(lambda: any(o.kind == "MKT" for o in book_tws.live))
        book_tws.fill(book_tws.only("MKT"), price="4.9")
        await bot.until(lambda: bot.position.state is PositionState.CLOSED)
        say(bot, ok)
        await bot.tick(1.0)
        assert bot.connection == "degraded_data", "words alone bring nothing back"

        def speaks_and_is_back() -> bool:
            """The silent line is asked for anew under another id: what is said goes to the one that is open now."""
            book_tws.send_all([(1, 6, bot.line, 1, "4.8", 10, 0), (1, 6, bot.line, 2, "5.0", 10, 0)])
            return bool(bot.connection == "synced")

        await bot.until(speaks_and_is_back)
        assert bot.session == "active"


@pytest.mark.parametrize(
    "text", ["Verbindung zur Marktdatenfarm ist unterbrochen: jfarm", "", "2103 usopt usopt", "😀"]
)
async def test_a_farm_that_concerns_nothing_of_ours_blocks_no_trade(book_tws: BookTws, text: str) -> None:
    async with wired(book_tws) as bot:
        for code in (2104, 2103, 2105, 2107, 2108, 2119, 2157):
            bot.tws.error(-1, code, text)
        for n in range(12):
            await bot.quote("4.9", f"5.1{n % 2}")
            await bot.heard()
            await asyncio.sleep(0.03)
        assert bot.connection == "synced"
        order = await bot.propose()
        assert bot.order(order).state in {"submitted", "working"}
        assert not bot.alerts("LINK_DEGRADED")


async def test_a_quiet_market_is_no_lost_farm_because_the_farm_answers_who_asks_anew(book_tws: BookTws) -> None:
    usual = book_tws.answers.get(1)

    def answers(asked: tuple[str, ...]) -> None:
        if usual is not None:
            usual(asked)
        book_tws.send_all([(1, 6, asked[2], 1, "4.9", 10, 0), (1, 6, asked[2], 2, "5.1", 10, 0)])

    async with wired(book_tws) as bot:
        book_tws.answers[1] = answers
        lines = len(book_tws.of(1))
        say(bot, 2103)
        await bot.until(lambda: len(book_tws.of(1)) > lines)
        for _ in range(20):
            await asyncio.sleep(0.02)
            await bot.heard()
        assert bot.connection == "synced"
        assert not bot.alerts("LINK_DEGRADED")


async def test_trouble_of_the_data_outlasts_a_comparison_of_the_books(book_tws: BookTws) -> None:
    async with wired(book_tws) as bot:
        await fall_silent(bot)
        say(bot, 1100, 1102)
        count = len([row for batch in bot.batches for row in batch.transitions if row.to_state == "degraded_data"])
        await bot.until(
            lambda: len([r for b in bot.batches for r in b.transitions if r.to_state == "degraded_data"]) > count
        )
        assert bot.connection == "degraded_data", "the farm is still gone"


async def test_a_farm_that_flutters_is_told_once_in_five_minutes(book_tws: BookTws) -> None:
    async with wired(book_tws) as bot:
        for _ in range(3):
            await fall_silent(bot)
            await bot.quote()
            await bot.until(lambda: bot.connection == "synced")
        assert len(bot.alerts("LINK_DEGRADED")) == 1
        await bot.tick(301)
        await fall_silent(bot)
        await bot.until(lambda: len(bot.alerts("LINK_DEGRADED")) == 2)


# ---- 10197


async def test_a_competing_session_keeps_entries_out_until_data_flow_again(
    book_tws: BookTws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.broker.link.COMPETING_QUIET_S", 0.0)
    async with wired(book_tws) as bot:
        book_tws.error(bot.line, 10197, "No market data during competing live session")
        await bot.until(lambda: bot.connection == "competing")
        (told,) = bot.alerts("LINK_DEGRADED")
        assert (told.severity, told.facts["state"]) == ("critical", "competing")
        assert "competing" in await proposes_in_vain(bot)
        await bot.quote("4.8", "5.0")
        await bot.until(lambda: bot.connection == "synced")
        assert bot.session == "active"


# ---- the socket


async def test_a_socket_that_is_cut_is_taken_up_by_one_owner_and_the_book_is_read(book_tws: BookTws) -> None:
    async with wired(book_tws) as bot:
        await bot.hold()
        (stop,) = bot.of(Purpose.PROTECT)
        for round_ in range(1, 4):
            book_tws.drop()
            await bot.until(partial(lambda round_: book_tws.logins == round_ + 1, round_))
            await bot.until(lambda: (bot.connection, bot.session) == ("synced", "active"))
        assert book_tws.most_sockets == 1, "never two at once"
        assert bot.of(Purpose.PROTECT) == [bot.order(stop)]
        assert book_tws.only("STP").ref == stop.order_ref


async def test_a_port_that_refuses_is_tried_ever_more_slowly_by_one_owner(book_tws: BookTws) -> None:
    delays: list[float] = []
    bot = Wired(book_tws, broker={"retry_min_s": 0.001, "retry_max_s": 0.004})
    run = bot.broker._connection
    await book_tws.stop()
    await bot.engine.start()

    async def told(seconds: float) -> None:
        delays.append(seconds)

    run._pause = told  # type: ignore[method-assign]
    await bot.broker.start()
    await bot.broker.start()
    await bot.until(lambda: len(delays) >= 6)
    assert delays[:6] == [0.001, 0.002, 0.004, 0.004, 0.004, 0.004]
    assert len(bot.alerts("BROKER_UNREACHABLE")) == 1, "one reason is told once"
    assert bot.session == "starting"
    await book_tws.start()
    await bot.until(lambda: bot.session == "active")
    await bot.engine.stop("the test is over")
    await bot.broker.stop()


async def test_a_gateway_that_keeps_the_socket_and_answers_nothing_is_left_and_taken_up_when_it_answers(
    book_tws: BookTws,
) -> None:
    async with wired(book_tws, broker={"probe_every_s": 0.05, "request_timeout_s": 0.05}) as bot:
        await bot.hold()
        book_tws.mute |= set(book_tws.answers)
        await bot.until(lambda: bot.connection in {"down", "handshaking"})
        assert "not allowed" in await proposes_in_vain(bot)
        book_tws.mute.clear()
        await bot.until(lambda: (bot.connection, bot.session) == ("synced", "active"))
        assert bot.position.quantity == 3
        assert book_tws.only("STP").quantity == 3


async def test_a_connection_is_probed_with_a_round_trip_as_long_as_it_lasts(book_tws: BookTws) -> None:
    async with wired(book_tws, broker={"probe_every_s": 0.01}) as bot:
        probes = len(book_tws.of(49))
        await bot.until(lambda: len(book_tws.of(49)) >= probes + 3)
        assert book_tws.logins == 1


def test_the_usual_probe_is_every_thirty_seconds() -> None:
    from bot.broker.settings import BrokerSettings
    from bot.config.schema import IbkrSettings

    assert BrokerSettings().probe_every_s == IbkrSettings().probe_every_s == 30
