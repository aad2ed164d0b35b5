"""What the client library itself gets wrong, each by its name: our own listener stands in its place, over the socket.

The library's wrapper and order book are not used at all; only its framing, its request writer and its field decoding.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from bot.domain.events.people import RequestKind
from bot.domain.order import Purpose
from bot.domain.position import PositionState
from tests.broker.book_tws import BookTws, Kept
from tests.broker.fake_tws import UNSET, commission, execution, open_order, order_status
from tests.broker.wired import HASTY, Wired, wired

# Codes that the library does not list as warnings: it sets the order to Cancelled, and the order is live.
UNLISTED = (105, 161, 321, 10147, 10148, 10311, 10349, 99_999)


def stop_of(bot: Wired) -> Any:
    return bot.of(Purpose.PROTECT)[-1]


# ---- "cancelled" by an error


@pytest.mark.parametrize("code", UNLISTED)
async def test_an_error_that_the_library_does_not_list_cancels_no_order(book_tws: BookTws, code: int) -> None:
    async with wired(book_tws) as bot:
        await bot.hold()
        book_tws.error(stop_of(bot).order_id, code)
        await bot.heard()
        await bot.until(lambda: stop_of(bot).state == "working")
        assert "cancelled" not in bot.states_of(stop_of(bot))
        assert len(bot.of(Purpose.PROTECT)) == 1
        assert len(book_tws.live) == 1, "no second stop beside the first"


async def test_a_refused_modification_leaves_the_order_that_it_was_for(book_tws: BookTws) -> None:
    """The library shows the order Cancelled (105, 110): the bot would buy a second time."""
    async with wired(book_tws, settings={"execution": {"entry_timeout_s": 1e6, "reprice_after_s": 5}}) as bot:
        order = await bot.working()
        await bot.quote("4.8", "5.2")
        book_tws.answers.pop(3)
        await bot.until(lambda: bot.order(order).wanted is not None, step=1.0)
        book_tws.error(order.order_id, 110, "The price does not conform to the minimum price variation")
        await bot.until(lambda: bot.order(order).wanted is None)
        assert bot.order(order).state == "working"
        assert bot.order(order).terms.limit_price == Decimal("5.0")
        assert len(bot.of(Purpose.ENTRY)) == 1


async def test_a_price_off_the_grid_is_a_rejection_and_not_pending_for_ever(book_tws: BookTws) -> None:
    """The library leaves a new order with code 110 in PendingSubmit: nobody would ever hear of it again."""
    book_tws.deaf = True
    async with wired(book_tws) as bot:
        order = await bot.propose()
        book_tws.error(order.order_id, 110)
        await bot.state_of(order, "rejected")


async def test_inactive_is_an_end(book_tws: BookTws) -> None:
    """In the library Inactive is neither active nor done, and 201 makes it Cancelled first."""
    book_tws.quiet = True
    async with wired(book_tws) as bot:
        order = await bot.propose()
        kept = next(iter(book_tws.book.values()))
        kept.status = "Inactive"
        book_tws.error(order.order_id, 201, "no margin")
        book_tws.tell(kept)
        await bot.state_of(order, "rejected")
        assert bot.order(order).reject_reason == "no margin"
        assert "cancelled" not in bot.states_of(order)


async def test_a_fill_after_cancelled_is_booked_and_protected(book_tws: BookTws) -> None:
    """The library sets PendingCancel and Cancelled by itself; a fill may follow both."""
    async with wired(book_tws) as bot:
        order = await bot.working()
        kept = book_tws.only("LMT")
        await bot.until(lambda: bot.order(order).state == "cancelled", step=15.0)
        kept.status = "Submitted"
        book_tws.fill(kept)
        await bot.until(lambda: bot.holds and bot.position.protected_at)
        assert bot.position.quantity == book_tws.only("STP").quantity == 3


# ---- "connected" with nothing read


@pytest.mark.parametrize("muted", [16, 99, 7, 61])
async def test_a_connection_whose_book_was_not_read_is_not_synced_and_trades_nothing(
    book_tws: BookTws, muted: int
) -> None:
    """The library's connect succeeds with empty positions, orders and executions when their answers time out."""
    book_tws.mute.add(muted)
    bot = Wired(book_tws, broker=HASTY)
    await bot.engine.start()
    await bot.broker.start()
    await bot.until(lambda: bot.alerts("SNAPSHOT_INCOMPLETE"))
    assert (bot.connection, bot.session) == ("syncing", "reconciling")
    assert "no end marker" in bot.alerts("SNAPSHOT_INCOMPLETE")[0].text
    book_tws.mute.clear()
    await bot.until(lambda: (bot.connection, bot.session) == ("synced", "active"), step=1.0)
    await bot.engine.stop("the test is over")
    await bot.broker.stop()


async def test_positions_that_time_out_close_no_position_of_ours(book_tws: BookTws) -> None:
    async with wired(book_tws, broker=HASTY) as bot:
        await bot.hold()
        book_tws.mute.add(61)
        book_tws.drop()
        await bot.until(lambda: bot.alerts("SNAPSHOT_INCOMPLETE"))
        for _ in range(5):
            await bot.tick(1.0)
        assert bot.position.state is PositionState.FILLED
        assert bot.position.quantity == 3
        book_tws.mute.clear()
        await bot.until(lambda: bot.session == "active", step=1.0)
        assert "POSITION_GONE" not in bot.codes


# ---- fills that nobody tells


async def test_a_fill_while_disconnected_is_booked_on_the_way_back(book_tws: BookTws) -> None:
    """The library raises neither an order nor an execution event for it; the order itself has lost its id."""
    async with wired(book_tws) as bot:
        order = await bot.working()
        book_tws.drop()
        exec_id = book_tws.fill(book_tws.only("LMT"), told=False)
        await bot.until(lambda: bot.holds and bot.position.protected_at)
        assert bot.order(order).state == "filled"
        assert list(bot.store.tables["executions"]) == [exec_id]
        await bot.until(lambda: bot.position.commissions == Decimal("1.3"))
        assert book_tws.only("STP").quantity == 3


async def test_a_stop_that_fills_while_disconnected_closes_the_position_and_is_not_sent_again(
    book_tws: BookTws,
) -> None:
    async with wired(book_tws) as bot:
        await bot.hold()
        book_tws.drop()
        book_tws.fill(book_tws.only("STP"), price="2.4", told=False)
        await bot.until(lambda: bot.position.state is PositionState.CLOSED)
        await bot.until(lambda: bot.session == "active")
        assert book_tws.live == []
        assert bot.position.realized_pnl == (Decimal("2.4") - Decimal(5)) * 3 * 100 - Decimal("2.6")


async def test_executions_that_are_told_again_count_once(book_tws: BookTws) -> None:
    async with wired(book_tws) as bot:
        await bot.hold()
        for _ in range(3):
            book_tws.send_all([*[book_tws.fill_message(each) for each in book_tws.fills], commission(*fee(book_tws))])
        await bot.heard()
        await bot.command(RequestKind.RECONCILE)
        await bot.heard()
        assert (bot.position.quantity, bot.position.commissions) == (3, Decimal("1.3"))
        assert len(bot.store.tables["executions"]) == 1


def fee(tws: BookTws) -> tuple[str, str]:
    return next(iter(tws.fees.items()))


# ---- corrections and commissions


async def test_a_correction_replaces_and_is_not_added(book_tws: BookTws) -> None:
    """The library counts 14 for a ten-lot of which four were corrected."""
    async with wired(book_tws) as bot:
        order = await bot.working()
        kept = book_tws.only("LMT")
        ours: dict[str, Any] = {"perm_id": kept.perm_id, "shares": 3}
        book_tws.held[kept.con_id] = 3
        kept.filled, kept.status = 3, "Filled"
        book_tws.send_all(
            [
                execution(kept.order_id, "0000e1.0009.01.01", kept.ref, price="5.0", **ours),
                execution(kept.order_id, "0000e1.0009.01.02", kept.ref, price="4.9", **ours),
                *book_tws.said_of(kept),
            ]
        )
        await bot.until(lambda: bot.holds and bot.position.entry_price == Decimal("4.9"))
        assert (bot.position.quantity, bot.order(order).filled_quantity) == (3, 3)
        await bot.until(lambda: bot.position.protected_at)
        assert book_tws.only("STP").quantity == 3


async def test_a_commission_that_comes_before_its_execution_is_charged(book_tws: BookTws) -> None:
    """The library drops it: the fill would keep a commission of nothing."""
    async with wired(book_tws) as bot:
        await bot.working()
        kept = book_tws.only("LMT")
        book_tws.send(*commission("0000e1.0001.01.01", "1.3"))
        await bot.heard()
        exec_id = book_tws.fill(kept, told=False)
        assert exec_id == "0000e1.0001.01.01"
        book_tws.fees.clear()
        book_tws.send_all([book_tws.fill_message(book_tws.fills[0]), *book_tws.said_of(kept)])
        await bot.until(lambda: bot.holds and bot.position.commissions == Decimal("1.3"))


async def test_a_commission_in_another_currency_is_told_once_and_never_taken_for_dollars(book_tws: BookTws) -> None:
    async with wired(book_tws) as bot:
        await bot.working()
        exec_id = book_tws.fill(book_tws.only("LMT"))
        await bot.until(lambda: bot.holds and bot.position.commissions == Decimal("1.3"))
        for _ in range(2):
            book_tws.send(59, 1, exec_id, "1170.0", "JPY", UNSET, UNSET, "")
        told = await bot.until(lambda: bot.alerts("COMMISSION_CURRENCY"))
        await bot.heard()
        assert [alert.facts["currency"] for alert in told] == ["JPY"]
        assert bot.position.commissions == Decimal("1.3")


async def test_a_commission_that_is_unset_is_no_sum_and_the_real_one_is_charged_later(book_tws: BookTws) -> None:
    async with wired(book_tws) as bot:
        await bot.working()
        kept = book_tws.only("LMT")
        exec_id = book_tws.fill(kept, told=False)
        fees, book_tws.fees = dict(book_tws.fees), {}
        book_tws.send_all(
            [book_tws.fill_message(book_tws.fills[0]), *book_tws.said_of(kept), commission(exec_id, UNSET)]
        )
        await bot.until(lambda: bot.alerts("TWS_UNREADABLE"))
        await bot.until(lambda: bot.holds)
        assert bot.position.commissions == 0
        book_tws.fees = fees
        book_tws.send(*commission(exec_id, "1.3"))
        await bot.until(lambda: bot.position.commissions == Decimal("1.3"))


# ---- requests that are never answered


async def test_a_lost_request_for_a_contract_ends_in_time_and_is_asked_again(book_tws: BookTws) -> None:
    """In the library most requests have no time limit and hang for ever."""
    book_tws.mute.add(9)
    bot = Wired(book_tws, broker=HASTY)
    await bot.engine.start()
    await bot.broker.start()
    await bot.until(lambda: bot.session == "active")
    await bot.until(lambda: bot.alerts("CONTRACT_UNANSWERED"), step=1.0)
    book_tws.mute.clear()
    await bot.until(lambda: book_tws.of(1), step=1.0)
    await bot.engine.stop("the test is over")
    await bot.broker.stop()


async def test_a_margin_preview_that_is_never_answered_refuses_its_signal(book_tws: BookTws) -> None:
    async with wired(book_tws, broker=HASTY) as bot:
        book_tws.mute.add(3)
        await bot.until(lambda: bot.engine.ledger.account.equity)
        bot.strategy.contract = bot.contract
        await bot.until(lambda: bot.has_signal and bot.signal.state == "rejected")
        rows = [row for batch in bot.batches for row in batch.transitions if row.trigger == "reject"]
        assert "no margin preview" in rows[-1].reason


async def test_an_order_that_is_never_answered_becomes_unknown_and_is_called_off_when_two_books_lack_it(
    book_tws: BookTws,
) -> None:
    book_tws.deaf = True
    async with wired(book_tws) as bot:
        order = await bot.propose()
        await bot.until(lambda: bot.order(order).state == "unknown", step=1.0)
        await bot.until(lambda: bot.order(order).state == "cancelled", step=1.0)
        assert len([each for each in book_tws.of(3) if each[26]]) == 1, "an entry is never sent twice"


async def test_a_stop_that_is_never_answered_goes_out_again_under_its_reference(book_tws: BookTws) -> None:
    async with wired(book_tws) as bot:
        await bot.working()
        book_tws.deaf = True
        book_tws.fill(book_tws.only("LMT"))
        await bot.until(lambda: bot.of(Purpose.PROTECT) and stop_of(bot).order_id)
        lost = stop_of(bot).order_id
        await bot.until(lambda: stop_of(bot).state == "unknown", step=1.0)
        book_tws.deaf = False
        await bot.until(lambda: stop_of(bot).state == "working", step=1.0)
        assert len(bot.of(Purpose.PROTECT)) == 1
        assert book_tws.only("STP").order_id != lost, "the old id may have been given away"


# ---- identities


async def test_ids_of_other_clients_and_of_hand_made_orders_do_not_move_ours(book_tws: BookTws) -> None:
    """The library raises its counter above every order id that it sees."""
    async with wired(book_tws) as bot:
        book_tws.send(*open_order(500_000, "", client_id=3, perm_id=77, action="SELL"))
        book_tws.send(*open_order(-8, "", client_id=0, perm_id=78, action="SELL"))
        await bot.until(lambda: len(bot.alerts("FOREIGN_ORDER")) == 2)
        assert bot.broker._ids.next < 500_000


async def test_what_tws_writes_into_an_order_never_goes_back_to_it(book_tws: BookTws) -> None:
    """The library keeps the fields that TWS fills in (trailStopPrice, deltaNeutralOrderType) and sends them back."""
    async with wired(book_tws, settings={"execution": {"entry_timeout_s": 1e6, "reprice_after_s": 5}}) as bot:
        order = await bot.working()
        await bot.quote("4.8", "5.2")
        sent = len(book_tws.of(3))
        await bot.until(lambda: len(book_tws.of(3)) > sent, step=1.0)
        first = next(each for each in book_tws.of(3) if each[26] == order.order_ref)
        second = book_tws.of(3)[-1]
        changed = [index for index, pair in enumerate(zip(first, second, strict=True)) if pair[0] != pair[1]]
        assert changed == [19], "the limit price alone"


async def test_a_status_of_somebody_elses_order_with_our_number_moves_nothing(book_tws: BookTws) -> None:
    async with wired(book_tws) as bot:
        order = await bot.working()
        book_tws.send(*order_status(order.order_id or 0, "Cancelled", client_id=3, perm_id=4_242))
        await bot.heard()
        assert bot.order(order).state == "working"


async def test_a_status_that_overtakes_its_order_is_kept_for_it(book_tws: BookTws) -> None:
    book_tws.quiet = True
    async with wired(book_tws) as bot:
        order = await bot.propose()
        kept: Kept = next(iter(book_tws.book.values()))
        opened, status = book_tws.said_of(kept)
        book_tws.send_all([status, opened])
        await bot.state_of(order, "working")
        assert bot.order(order).perm_id == kept.perm_id
