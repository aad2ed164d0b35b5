"""An order that is good from a moment on rests at the venue until then, whatever is quoted; then it is as any other."""

from datetime import timedelta
from decimal import Decimal

from bot.sim.vocabulary import Status
from tests.sim.board_market import CALL, ticket
from tests.sim.matching_desk import SELL, Desk


def test_a_stop_is_not_triggered_before_its_moment_and_is_after_it() -> None:
    desk = Desk()
    desk.board.quote(CALL, "2.00", "2.02")
    desk.long(2)
    later = desk.now + timedelta(seconds=30)
    desk.place(ticket(7, SELL, 2, "STP", aux_price=Decimal("1.00"), good_after=later))
    desk.board.quote(CALL, "0.05", "0.07")  # a wild opening
    desk.wait_long(29)
    assert desk.order(7).status is Status.PRE_SUBMITTED
    desk.board.quote(CALL, "2.00", "2.02")
    desk.wait_long(5)
    assert desk.order(7).status is Status.PRE_SUBMITTED
    desk.board.quote(CALL, "0.90", "0.92")
    desk.wait_long(2)
    assert desk.order(7).status is Status.FILLED
