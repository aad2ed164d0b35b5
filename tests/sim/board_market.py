"""A market whose quotes a test sets by hand: two SPY calls, an SPXW put and the shares themselves."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from bot.sim.market.model import top_as_depth
from bot.sim.vocabulary import Bar, Print, Side, TopOfBook, VenueDepth, VenueInstrument, VenueTicket
from tests.sim.small_market import SHARES, SmallMarket, an_option

DAY = date(2026, 11, 20)
OPEN = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
CLOSE = datetime(2026, 11, 20, 21, 0, tzinfo=UTC)
NOON = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)


INDEX = VenueInstrument(2, "SPX", "IND", "CBOE", "CBOE", "SPX", "SPX")
CALL = an_option(11, "SPY   261120C00590000", DAY, 590, "C")
LATER = an_option(12, "SPY   261127C00590000", date(2026, 11, 27), 590, "C")
PUT = an_option(13, "SPXW  261120P05900000", DAY, 5900, "P", 109, 2)
GONE = an_option(14, "SPY   261119C00590000", date(2026, 11, 19), 590, "C")
SPY_PUT = an_option(15, "SPY   261120P00585000", DAY, 585, "P")
UNLISTED = an_option(99, "SPY   261120C00777000", DAY, 777, "C")


class BoardMarket(SmallMarket):
    """Quotes are what was last written with `quote`; they do not depend on time. Trades are those of `trade`."""

    def __init__(self) -> None:
        super().__init__((SHARES, INDEX, CALL, LATER, PUT, GONE, SPY_PUT), OPEN, CLOSE)
        self.tops: dict[int, TopOfBook] = {}
        self.traded: dict[int, list[Print]] = {}
        for each in self.instruments():
            self.quote(each, "1.00", "1.10")
        self.quote(SHARES, "590.00", "590.01", last="592.00")
        self.quote(INDEX, None, None, last="5880.00")

    def quote(
        self, instrument: VenueInstrument, bid: str | None, ask: str | None, size: int = 1000, *,
        last: str | None = None, halted: bool = False,
    ) -> None:  # fmt: skip
        sides = [Decimal(each) if each is not None else None for each in (bid, ask, last)]
        self.tops[instrument.con_id] = TopOfBook(
            sides[0], sides[1], size if bid else 0, size if ask else 0, sides[2], 1, 0, None, None, None, None, halted
        )

    def trade(self, instrument: VenueInstrument, at: datetime, price: str, size: int) -> None:
        """Write a print of others onto the tape."""
        self.traded.setdefault(instrument.con_id, []).append(Print(at, Decimal(price), size))

    def prints(self, instrument: VenueInstrument, since: datetime, until: datetime) -> list[Print]:
        return [each for each in self.traded.get(instrument.con_id, ()) if since < each.at <= until]

    def depth(self, instrument: VenueInstrument, at: datetime, levels: int = 10) -> VenueDepth:
        return top_as_depth(self.top(instrument, at))

    def bars(self, instrument: VenueInstrument, start: datetime, end: datetime, seconds: int) -> list[Bar]:
        """One that stands still, for each stretch."""
        price = self.tops[instrument.con_id].last
        count = int((end - start).total_seconds()) // seconds if price is not None else 0
        each = timedelta(seconds=seconds)
        return [
            Bar(start + n * each, price, price, price, price, 10, price, 1) for n in range(count) if price is not None
        ]

    def top(self, instrument: VenueInstrument, at: datetime) -> TopOfBook:
        return self.tops[instrument.con_id]


def ticket(order_id: int, side: Side, quantity: int, order_type: str, **more: object) -> VenueTicket:
    """Return a ticket of client 1 in CALL unless told otherwise; prices may be given as text."""
    priced = {"limit_price", "aux_price", "trail_stop_price", "trailing_percent"}
    terms = {key: Decimal(str(value)) if key in priced else value for key, value in more.items()}
    basics: dict[str, object] = {"client_id": 1, "instrument": CALL}
    return VenueTicket(order_id=order_id, side=side, quantity=quantity, order_type=order_type, **{**basics, **terms})  # type: ignore[arg-type]  # one builder for all terms
