"""Every code of TWS over the wire, and what the bot makes of it: adapter and engine together, by the vendor's meaning.

The tables here are written from what each code means, not from those of the adapter; a code that the adapter knows and
that stands in none of them fails a test.
"""

from __future__ import annotations

from functools import partial

import pytest

from bot.broker import words
from bot.domain.order import Order, Purpose
from tests.broker.book_tws import BookTws
from tests.broker.wired import Wired, wired

UNHEARD_OF = 88_888

# ---- with the id of an order

REFUSED = frozenset(
    {
        103,
        105,
        106,
        107,
        109,
        110,
        111,
        163,
        200,
        201,
        203,
        321,
        325,
        328,
        329,
        354,
        355,
        382,
        383,
        387,
        388,
        391,
        403,
        412,
        434,
        435,
        460,
        2102,
        10006,
        10268,
        10314,
    }
)
"""A new order with one of these is not at the broker."""
DOUBT = frozenset({100, 104, 135, 320, 327, 330, 331, 461, 505, 10289, 10327, 10329, UNHEARD_OF})
"""Only the broker's book says what became of the order."""
INFORMED = frozenset({399, 404, 481, 492, 2109, 2137, 2148, 2161, 2168, 2169, 2174, 10311, 10349})
"""The order lives, and nothing follows."""
CANCEL_MISSED = frozenset({136, 161, 10147, 10148})
"""It could not be cancelled: the book says why."""
CANCEL_TOLD = frozenset({202})
"""Words that come along with the status Cancelled, which alone counts."""

# ---- with the id of a market data line

LINE_GIVEN_UP = frozenset({100, 102, 203, 320, 321, 322, 354, 460, 505, 10089, 10090, 10092, 10168, 10186, UNHEARD_OF})
LINE_OVER_BUDGET = frozenset({101, 309, 10189, 10190})
LINE_UNKNOWN_CONTRACT = frozenset({200})
LINE_INFORMED = frozenset({300, 310, 2152, 10167})
LINE_ASKED_AGAIN = frozenset({316})
LINE_BEGINS_ANEW = frozenset({317})
LINE_ASKED_LATER = frozenset({162, 366, 420, 10182})
"""See test_market.py for both."""
LINE_COMPETING = frozenset({10197})

# ---- with no id

SAID_ONLY = frozenset({162, 165, 366, 2104, 2106, 2107, 2108, 2119, 2157, 2158, 2159, 2174, 10182, 10225})
ALERTED = frozenset({100, 320, 321, 322, 502, 504, 505, 1300, 2101, 10314})
LINK = frozenset({1100, 1101, 1102, 2103, 2105, 2110, 10197})
"""See test_link.py."""
ACCOUNT_ASKED_AGAIN = frozenset({2100})
LOGIN = frozenset({326})
"""See test_connection.py."""


def test_no_code_that_the_adapter_knows_is_left_out() -> None:
    of_orders = REFUSED | DOUBT | INFORMED | CANCEL_MISSED | CANCEL_TOLD
    of_lines = LINE_GIVEN_UP | LINE_OVER_BUDGET | LINE_UNKNOWN_CONTRACT | LINE_INFORMED
    of_lines |= LINE_ASKED_AGAIN | LINE_COMPETING | LINE_BEGINS_ANEW | LINE_ASKED_LATER
    assert of_orders == set(words.ORDER_ERRORS) | {UNHEARD_OF}
    assert of_lines == set(words.LINE_CODES) | {UNHEARD_OF}
    assert set(words.SYSTEM_CODES) == SAID_ONLY | ALERTED | LINK | ACCOUNT_ASKED_AGAIN | LOGIN


async def rid_of(bot: Wired, order: Order) -> None:
    """Let the broker end what is left of an order, so that the next code meets a fresh one."""
    for kept in bot.tws.live:
        kept.status = "Cancelled"
        bot.tws.tell(kept)
    await bot.until(lambda: bot.order(order).is_done)
    await bot.until(lambda: bot.signal.state in {"rejected", "cancelled", "expired", "filled"})


async def test_codes_that_refuse_a_new_order_end_it_with_the_brokers_words(book_tws: BookTws) -> None:
    book_tws.deaf = True
    async with wired(book_tws) as bot:
        for code in sorted(REFUSED):
            order = await bot.propose()
            book_tws.error(order.order_id, code, f"no, for {code} reasons")
            await bot.until(partial(lambda order: bot.order(order).is_done, order))
            assert bot.order(order).state == "rejected", code
            assert bot.order(order).reject_code == code
            await bot.until(lambda: bot.signal.state == "rejected")
            assert f"for {code} reasons" in bot.alerts("ORDER_REJECTED")[-1].text
            assert len([each for each in book_tws.of(3) if each[26] == order.order_ref]) == 1, "it is not sent again"
        assert "UNKNOWN_WORD" not in bot.codes


async def test_codes_of_doubt_make_a_new_order_unknown_until_the_book_shows_it(book_tws: BookTws) -> None:
    book_tws.quiet = True
    async with wired(book_tws) as bot:
        for code in sorted(DOUBT):
            order = await bot.propose()
            asked = len(book_tws.of(16))
            book_tws.error(order.order_id, code)
            await bot.until(partial(lambda order: "unknown" in bot.states_of(order), order))
            await bot.state_of(order, "working")
            assert len(book_tws.of(16)) > asked, "its state is what the book says"
            assert len([each for each in book_tws.of(3) if each[26] == order.order_ref]) == 1, "it is not sent again"
            await rid_of(bot, order)
        (told,) = bot.alerts("UNKNOWN_WORD")
        assert (told.facts["code"], told.facts["text"]) == (UNHEARD_OF, "a text")


async def test_no_code_ends_an_order_that_works(book_tws: BookTws) -> None:
    async with wired(book_tws) as bot:
        order = await bot.working()
        for code in sorted(REFUSED | DOUBT):
            known = len(bot.states_of(order))
            book_tws.error(order.order_id, code)
            await bot.until(partial(lambda known: "unknown" in bot.states_of(order)[known:], known))
            await bot.state_of(order, "working")
        assert not {"rejected", "cancelled"} & set(bot.states_of(order))
        assert book_tws.only("LMT").ref == order.order_ref


async def test_codes_that_inform_change_nothing(book_tws: BookTws) -> None:
    async with wired(book_tws) as bot:
        order = await bot.working()
        before = bot.states_of(order)
        for code in sorted(INFORMED | CANCEL_TOLD | CANCEL_MISSED):
            book_tws.error(order.order_id, code)
        await bot.heard()
        assert bot.states_of(order) == before
        assert bot.order(order).state == "working"
        assert not {"ORDER_AMBIGUOUS", "ORDER_REJECTED", "UNKNOWN_WORD"} & set(bot.codes)


async def test_a_cancel_that_misses_is_looked_into_and_tried_again(book_tws: BookTws) -> None:
    async with wired(book_tws) as bot:
        for code in sorted(CANCEL_MISSED):
            order = await bot.working()
            cancel = book_tws.answers.pop(4)
            await bot.until(partial(lambda order: bot.order(order).state == "cancelling", order), step=15.0)
            book_tws.error(order.order_id, code)
            await bot.until(partial(lambda order: "unknown" in bot.states_of(order), order))
            await bot.state_of(order, "working")
            book_tws.answers[4] = cancel
            await bot.until(partial(lambda order: bot.order(order).state == "cancelled", order), step=5.0)
            await bot.until(lambda: bot.signal.state in {"cancelled", "expired", "rejected"})


async def test_codes_that_refuse_a_new_price_leave_the_old_one_in_force(book_tws: BookTws) -> None:
    async with wired(
        book_tws, settings={"execution": {"entry_timeout_s": 1e6, "reprice_after_s": 5, "entries_wait_s": 0.01}}
    ) as bot:
        for code in (103, 105, 110, 201, 321, 329, 10147, 2102, UNHEARD_OF):
            order = await bot.working()
            ours = bot.order(order).terms
            await bot.quote("4.8", "5.2")  # a quarter of the spread is a tick
            place = book_tws.answers.pop(3)
            await bot.until(partial(lambda order: bot.order(order).wanted is not None, order), step=1.0)
            book_tws.error(order.order_id, code)
            await bot.until(partial(lambda order: bot.order(order).wanted is None, order))
            await bot.state_of(order, "working")
            assert bot.order(order).terms == ours, code
            assert "rejected" not in bot.states_of(order), code
            book_tws.answers[3] = place
            await rid_of(bot, order)


async def test_a_code_on_the_stop_that_works_never_leaves_the_position_without_one(book_tws: BookTws) -> None:
    async with wired(book_tws) as bot:
        await bot.hold()
        (stop,) = bot.of(Purpose.PROTECT)
        for code in sorted(REFUSED | DOUBT):
            known = len(bot.states_of(stop))
            book_tws.error(stop.order_id, code)
            await bot.until(partial(lambda known: "unknown" in bot.states_of(stop)[known:], known))
            await bot.state_of(stop, "working")
        assert bot.of(Purpose.PROTECT) == [bot.order(stop)], "one stop, the same all the time"
        assert book_tws.only("STP").ref == stop.order_ref
        assert "UNPROTECTED" not in bot.codes


# ---- lines


async def test_codes_that_refuse_a_line_give_it_up_and_say_which(book_tws: BookTws) -> None:
    for code in sorted(LINE_GIVEN_UP | LINE_OVER_BUDGET):
        async with wired(book_tws) as bot:
            book_tws.error(bot.line, code)
            if code == UNHEARD_OF:
                (told,) = await bot.until(partial(lambda bot: bot.alerts("UNKNOWN_WORD"), bot))
                assert str(UNHEARD_OF) in told.facts["fields"]
            else:
                (told,) = await bot.until(partial(lambda bot: bot.alerts("LINE_REFUSED"), bot))
                assert (told.facts["code"], told.facts["key"]) == (code, bot.key)
            await bot.until(partial(lambda bot: not bot.broker._market.open_lines, bot))
            assert bot.session == "active", code
        book_tws.asked.clear()


async def test_a_line_without_a_contract_is_told_as_such(book_tws: BookTws) -> None:
    async with wired(book_tws) as bot:
        book_tws.error(bot.line, 200)
        await bot.until(lambda: bot.alerts("CONTRACT_UNKNOWN"))


async def test_codes_that_inform_of_a_line_change_nothing(book_tws: BookTws) -> None:
    async with wired(book_tws) as bot:
        for code in sorted(LINE_INFORMED):
            book_tws.error(bot.line, code)
        await bot.quote("4.8", "5.0")
        await bot.heard()
        assert set(bot.codes) == {"ACCOUNT_CURRENCY"}, "the mark alone"
        assert len(book_tws.of(1)) == 1


@pytest.mark.parametrize("code", sorted(LINE_ASKED_AGAIN))
async def test_a_broken_stream_is_asked_for_again(book_tws: BookTws, code: int) -> None:
    async with wired(book_tws) as bot:
        book_tws.error(bot.line, code)
        await bot.until(lambda: len(book_tws.of(1)) == 2)
        assert len(book_tws.of(2)) == 1


# ---- the system


async def test_system_codes_that_are_said_only_change_nothing(book_tws: BookTws) -> None:
    async with wired(book_tws) as bot:
        for code in sorted(SAID_ONLY):
            book_tws.error(-1, code)
        await bot.heard()
        assert set(bot.codes) == {"ACCOUNT_CURRENCY"}, "the mark alone"
        assert (bot.connection, bot.session) == ("synced", "active")


async def test_system_codes_that_a_person_must_see_are_alerts_with_their_code(book_tws: BookTws) -> None:
    async with wired(book_tws) as bot:
        for code in sorted(ALERTED):
            book_tws.error(-1, code, f"words of {code}")
        await bot.heard()
        for code in sorted(ALERTED):
            (told,) = bot.alerts(f"TWS_{code}")
            assert dict(told.facts) == {"code": code, "text": f"words of {code}"}
        assert (bot.connection, bot.session) == ("synced", "active")


async def test_an_unknown_system_code_is_an_alert_and_changes_nothing(book_tws: BookTws) -> None:
    async with wired(book_tws) as bot:
        order = await bot.working()
        book_tws.error(-1, UNHEARD_OF, "news")
        (told,) = await bot.until(lambda: bot.alerts("UNKNOWN_WORD"))
        assert told.facts["fields"] == ["4", "2", "-1", str(UNHEARD_OF), "news", ""]
        assert (bot.connection, bot.session, bot.order(order).state) == ("synced", "active", "working")


async def test_an_unknown_code_for_an_id_that_is_nobodys_is_an_alert(book_tws: BookTws) -> None:
    async with wired(book_tws) as bot:
        book_tws.error(4_711, UNHEARD_OF, "news")
        (told,) = await bot.until(lambda: bot.alerts("STRAY_ERROR"))
        assert dict(told.facts) == {"id": 4_711, "code": UNHEARD_OF, "text": "news"}


async def test_a_lost_account_stream_is_asked_for_again(book_tws: BookTws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.broker.account.RENEW_S", 0.0)
    async with wired(book_tws) as bot:
        book_tws.error(-1, 2100)
        await bot.until(lambda: len(book_tws.of(6)) == 2)
