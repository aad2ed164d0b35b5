"""One owner of the connection: it comes up, sees that something is wrong, and starts again."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from bot.broker.adapter import IbkrBroker
from bot.broker.requests import Requests
from bot.broker.settings import BrokerSettings
from bot.clocks.clock import ManualClock
from bot.domain.events.account import AccountReported
from bot.domain.events.link import BrokerTimeTold, LinkChange, LinkChanged
from bot.domain.events.orders import ExecutionReported
from bot.domain.events.people import AlertRaised
from bot.domain.instructions import Subscribe
from tests.broker.conftest import SETTINGS, START, Gathered
from tests.broker.fake_tws import ACCOUNT, EPOCH, FakeTws, execution

C = LinkChange


def alert(events: Gathered, code: str) -> AlertRaised:
    return next(each for each in events.of(AlertRaised) if each.code == code)


async def test_it_is_accepted_once_account_order_id_and_time_have_come(
    broker: IbkrBroker, tws: FakeTws, events: Gathered
) -> None:
    assert events.changes == [C.CONNECTING, C.ACCEPTED]
    assert (broker.account, broker.is_paper) == (ACCOUNT, True)
    assert tws.of(49)
    assert not tws.of(61)  # the engine asks for the book, when it is ready to hear it


async def test_account_values_are_told_in_dollars(broker: IbkrBroker, tws: FakeTws, events: Gathered) -> None:
    first = await events.first(AccountReported)
    assert (first.account, first.net_liquidation) == (ACCOUNT, Decimal(100_000))
    assert (first.available_funds, first.cash) == (Decimal(90_000), None)


async def test_a_value_that_tws_repeats_is_as_old_as_the_repeat_and_a_newer_profit_does_not_date_it_up(
    broker: IbkrBroker, tws: FakeTws, events: Gathered, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.broker.account.EVERY_S", 0.0)
    began = (await events.first(AccountReported)).at
    clock.advance(100)
    tws.send(94, broker._account._requests[-1], "1.0", "2.0", "3.0")
    profit = await events.first(AccountReported, lambda each: each.unrealized_pnl == 2)
    assert (profit.net_liquidation, profit.at) == (Decimal(100_000), began)
    clock.advance(80)
    tws.send(6, 2, "NetLiquidation", "100000", "USD", ACCOUNT)
    repeated = await events.first(AccountReported, lambda each: each.at > began)
    assert (repeated.net_liquidation, repeated.at) == (Decimal(100_000), clock.now())


async def test_another_currency_is_no_dollar(broker: IbkrBroker, tws: FakeTws, events: Gathered) -> None:
    tws.send(6, 2, "NetLiquidation", "5", "CHF", ACCOUNT)
    await events.first(AlertRaised)
    assert alert(events, "ACCOUNT_CURRENCY").severity == "critical"


async def test_a_client_id_in_use_is_said_at_once_and_the_same_id_is_tried_again(
    idle: IbkrBroker, tws: FakeTws, events: Gathered
) -> None:
    tws.refuse_client_id = True
    await idle.start()
    dropped = await events.change(C.DROPPED)
    assert "another program holds client id 17" in dropped.detail
    assert alert(events, "CLIENT_ID_IN_USE").severity == "critical"
    await tws.until(lambda: len(tws.of(71)) >= 4)
    assert len([each for each in events.of(AlertRaised) if each.code == "CLIENT_ID_IN_USE"]) == 1, "told once"
    tws.refuse_client_id = False
    await events.change(C.ACCEPTED)
    assert {each[2] for each in tws.of(71)} == {"17"}


async def test_a_port_where_nobody_listens_is_tried_again(idle: IbkrBroker, tws: FakeTws, events: Gathered) -> None:
    await tws.stop()
    await idle.start()
    await events.change(C.DROPPED)
    await tws.start()
    await events.change(C.ACCEPTED)


@pytest.mark.parametrize("settings", [replace(SETTINGS, handshake_timeout_s=0.05)])
async def test_a_gateway_that_takes_the_connection_and_says_nothing_is_given_up(
    idle: IbkrBroker, tws: FakeTws, events: Gathered
) -> None:
    tws.silent_handshake = True
    await idle.start()
    assert "did not complete the login" in (await events.change(C.DROPPED)).detail
    tws.silent_handshake = False
    await events.change(C.ACCEPTED)


async def test_a_drop_is_told_and_everything_is_asked_again(broker: IbkrBroker, tws: FakeTws, events: Gathered) -> None:
    broker.subscribe(Subscribe({"SPX": frozenset({"quote"})}))
    await tws.until_asked(1)
    events.clear()
    tws.drop()
    await events.change(C.ACCEPTED)
    assert events.changes == [C.DROPPED, C.CONNECTING, C.ACCEPTED]
    await tws.until_asked(1, count=2)
    await tws.until_asked(6, count=2)
    assert len(tws.of(9)) == 1  # a contract is qualified once


async def test_fills_are_heard_while_orders_are_said_to_be_lost(
    broker: IbkrBroker, tws: FakeTws, events: Gathered
) -> None:
    tws.send(4, 2, -1, 1100, "Connectivity between IB and TWS has been lost.", "")
    await events.change(C.ORDERS_LOST)
    tws.send(*execution(1, "0001.01", "bot-x"))
    await events.first(ExecutionReported)


@pytest.mark.parametrize("code, asked_again", [(1101, True), (1102, False)])
async def test_restored_means_resync_and_1101_means_new_subscriptions(
    broker: IbkrBroker, tws: FakeTws, events: Gathered, code: int, asked_again: bool
) -> None:
    broker.subscribe(Subscribe({"SPX": frozenset({"quote"})}))
    await tws.until_asked(1)
    tws.send_all([(4, 2, -1, 1100, "lost", ""), (4, 2, -1, code, "restored", "")])
    restored = await events.change(C.RESTORED)
    assert restored.detail.startswith(str(code))
    await broker.snapshot()
    assert len(tws.of(1)) == (2 if asked_again else 1)


async def test_kept_subscriptions_that_stay_silent_are_asked_for_again(
    broker: IbkrBroker, tws: FakeTws, events: Gathered, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.broker.adapter.QUIET_AFTER_RESTORE_S", 0.01)
    broker.subscribe(Subscribe({"SPX": frozenset({"quote"})}))
    await tws.until_asked(1)
    tws.send(4, 2, -1, 1102, "restored, data maintained", "")
    await tws.until_asked(1, count=2)
    await tws.until_asked(2)


async def test_lines_that_fall_silent_with_a_notice_are_lost_until_they_speak(
    broker: IbkrBroker, tws: FakeTws, events: Gathered
) -> None:
    broker.subscribe(Subscribe({"SPX": frozenset({"quote"})}))
    await tws.until_asked(1)
    tws.send_all([(4, 2, -1, 2103, "farm is broken:usfarm", ""), (4, 2, -1, 2105, "HMDS is broken:ushmds", "")])
    line = (await tws.until_asked(1, count=2))[2]  # asked anew, and silent
    tws.send(6, 2, "Cushion", "1", "", ACCOUNT)
    assert "underlyings" in (await events.change(C.DATA_LOST)).detail
    tws.send_all([(4, 2, -1, 2104, "farm is OK:usfarm", ""), (4, 2, -1, 2106, "HMDS is OK:ushmds", "")])
    tws.send(1, 6, line, 1, "5990", 1, 0)
    await events.change(C.DATA_RESTORED)
    assert events.changes[2:] == [C.DATA_LOST, C.DATA_RESTORED]


async def test_2110_heals_with_the_farm_when_no_1102_comes(broker: IbkrBroker, tws: FakeTws, events: Gathered) -> None:
    tws.send(4, 2, -1, 2110, "TWS and server disconnected", "")
    await events.change(C.ORDERS_LOST)
    tws.send(4, 2, -1, 2104, "farm is OK:usfarm", "")
    await events.change(C.RESTORED)


async def test_trouble_is_said_again_after_a_snapshot(
    broker: IbkrBroker, tws: FakeTws, events: Gathered, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.broker.adapter.REMIND_S", 0.0)
    broker.subscribe(Subscribe({"SPX": frozenset({"quote"})}))
    await tws.until_asked(1)
    tws.send(4, 2, -1, 2103, "farm is broken:usfarm", "")
    await tws.until_asked(1, count=2)
    tws.send(6, 2, "Cushion", "1", "", ACCOUNT)
    await events.change(C.DATA_LOST)
    events.clear()
    await broker.snapshot()
    assert "usfarm" in (await events.change(C.DATA_LOST)).detail


async def test_a_competing_session_is_named_and_its_end_is_seen_in_the_ticks(
    broker: IbkrBroker, tws: FakeTws, events: Gathered, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.broker.link.COMPETING_QUIET_S", 0.0)
    broker.subscribe(Subscribe({"SPX": frozenset({"quote"})}))
    line = (await tws.until_asked(1))[2]
    tws.send(4, 2, line, 10197, "No market data during competing live session", "")
    await events.change(C.COMPETING)
    tws.send(1, 6, line, 4, "6000.5", 0, 0)
    await events.change(C.DATA_RESTORED)


async def test_an_unknown_system_code_is_an_alert(broker: IbkrBroker, tws: FakeTws, events: Gathered) -> None:
    tws.send(4, 2, -1, 77_777, "news to us", "")
    await events.first(AlertRaised)
    assert "77777" in alert(events, "UNKNOWN_WORD").facts["fields"]


@pytest.mark.parametrize("settings", [replace(SETTINGS, probe_every_s=0.01, request_timeout_s=0.02)])
async def test_a_gateway_that_stops_answering_is_left(broker: IbkrBroker, tws: FakeTws, events: Gathered) -> None:
    tws.mute.add(49)
    dropped = await events.change(C.DROPPED)
    assert "has not answered" in dropped.detail
    tws.mute.clear()
    await events.first(LinkChanged, lambda each: each.change is C.ACCEPTED and each is not events.of(LinkChanged)[1])


@pytest.mark.parametrize("wanted, managed", [("", "DU1,DU2"), ("U9", ACCOUNT)], ids=["several", "another account"])
async def test_an_account_that_is_left_open_or_missing_is_refused_and_told_once_until_the_right_one_logs_in(
    tws: FakeTws, events: Gathered, clock: ManualClock, wanted: str, managed: str
) -> None:
    tws.accounts = managed
    broker = IbkrBroker(replace(SETTINGS, port=tws.port, account=wanted), clock, events, bot_id="bot")
    await broker.start()
    refused = await events.first(AlertRaised)
    assert (refused.code, refused.severity) == ("ACCOUNT_REFUSED", "critical")
    assert "ibkr.account" in refused.text
    await tws.until(lambda: tws.logins >= 4)
    assert C.ACCEPTED not in events.changes
    assert len([each for each in events.of(AlertRaised) if each.code == "ACCOUNT_REFUSED"]) == 1
    assert tws.of(61) == tws.of(3) == [], "nothing is asked of it, nothing sent"
    tws.accounts = wanted or "DU1"
    await events.change(C.ACCEPTED)
    await broker.stop()


@pytest.mark.parametrize("account, paper", [("U7654321", True), (ACCOUNT, False)], ids=["live", "paper"])
async def test_an_account_of_the_other_kind_than_the_mode_is_refused(
    tws: FakeTws, events: Gathered, clock: ManualClock, account: str, paper: bool
) -> None:
    tws.accounts = account
    settings = replace(SETTINGS, port=tws.port, expects_paper=paper)
    broker = IbkrBroker(settings, clock, events, bot_id="bot")
    await broker.start()
    refused = await events.first(AlertRaised)
    assert refused.code == "ACCOUNT_REFUSED"
    assert account in refused.text
    assert C.ACCEPTED not in events.changes
    await broker.stop()


async def test_an_account_that_does_not_hold_what_is_open_is_refused(
    tws: FakeTws, events: Gathered, clock: ManualClock
) -> None:
    broker = IbkrBroker(replace(SETTINGS, port=tws.port), clock, events, bot_id="bot")
    broker.keep_to("DU777")
    await broker.start()
    refused = await events.first(AlertRaised)
    assert refused.code == "ACCOUNT_REFUSED"
    assert f"trades {ACCOUNT}, and the book here is that of DU777" in refused.text
    assert C.ACCEPTED not in events.changes
    await broker.stop()


async def test_a_gateway_that_comes_back_with_another_account_is_refused_until_ours_is_there_again(
    broker: IbkrBroker, tws: FakeTws, events: Gathered
) -> None:
    tws.accounts = "DU999"
    tws.drop()
    refused = await events.first(AlertRaised, lambda each: each.code == "ACCOUNT_REFUSED")
    assert f"trades DU999, and the book here is that of {ACCOUNT}" in refused.text
    assert broker.account == ACCOUNT
    events.clear()
    tws.accounts = ACCOUNT
    await events.change(C.ACCEPTED)


async def test_one_of_several_accounts_is_taken_when_it_is_named(
    tws: FakeTws, events: Gathered, clock: ManualClock
) -> None:
    tws.accounts = f"DU1,{ACCOUNT}"
    broker = IbkrBroker(replace(SETTINGS, port=tws.port, account=ACCOUNT), clock, events, bot_id="bot")
    await broker.start()
    await events.change(C.ACCEPTED)
    assert broker.account == ACCOUNT
    await broker.stop()


async def test_a_simulators_clock_is_handed_on_before_anything_else(
    tws: FakeTws, events: Gathered, clock: ManualClock
) -> None:
    heard: list[tuple[datetime, int]] = []
    broker = IbkrBroker(
        BrokerSettings(port=tws.port), clock, events, bot_id="bot",
        on_venue_time=lambda at: heard.append((at, len(events.changes))),
    )  # fmt: skip
    await broker.start()
    await events.change(C.ACCEPTED)
    assert heard == [(datetime(2026, 11, 20, 15, 0, tzinfo=UTC), 1)]
    await broker.stop()


async def test_the_brokers_time_is_told_before_the_connection_is_accepted(
    idle: IbkrBroker, events: Gathered, clock: ManualClock
) -> None:
    clock.advance(60)
    await idle.start()
    await events.change(C.ACCEPTED)
    (told,) = events.of(BrokerTimeTold)
    assert told.broker_at == clock.now() - timedelta(seconds=60)
    assert told.asked_at <= told.at == clock.now()
    assert told.steady_s == clock.monotonic()
    assert events.all.index(told) < events.all.index(await events.change(C.ACCEPTED))


async def test_every_probe_tells_the_brokers_time(tws: FakeTws, events: Gathered, clock: ManualClock) -> None:
    broker = IbkrBroker(replace(SETTINGS, port=tws.port, probe_every_s=0.01), clock, events, bot_id="bot")
    await broker.start()
    await events.change(C.ACCEPTED)
    tws.now = lambda: START + timedelta(hours=1)
    told = await events.first(BrokerTimeTold, lambda each: each.broker_at > START)
    assert told.broker_at == START + timedelta(hours=1)
    await broker.stop()


async def test_an_answer_that_may_be_an_older_questions_tells_no_time(
    tws: FakeTws, events: Gathered, clock: ManualClock
) -> None:
    settings = replace(SETTINGS, port=tws.port, probe_every_s=0.01, request_timeout_s=0.05)
    broker = IbkrBroker(settings, clock, events, bot_id="bot")
    await broker.start()
    await events.change(C.ACCEPTED)
    said = [(4, 2, -1, 2104, "farm is OK:usfarm", ""), (49, 1, EPOCH)]  # something else, then what is late
    an_hour_later = (49, 1, int(EPOCH) + 3600)
    tws.answers[49] = lambda _: tws.send(*(said.pop(0) if said else an_hour_later))
    events.clear()
    told = await events.first(BrokerTimeTold)
    assert told.broker_at == START + timedelta(hours=1), "the answer to the older question is passed over"
    await broker.stop()


async def test_stopping_hangs_up_and_tells_nothing_more(broker: IbkrBroker, tws: FakeTws, events: Gathered) -> None:
    await broker.stop()
    events.clear()
    await broker.stop()
    assert not broker.connected
    assert events.all == []


async def test_a_stop_that_comes_together_with_an_answer_is_a_stop() -> None:
    requests = Requests()
    asked = asyncio.create_task(requests.ask("time", lambda: None, 5.0))
    await asyncio.sleep(0)
    requests.finish("time")
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert "time" not in requests
