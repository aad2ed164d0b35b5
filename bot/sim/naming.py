"""How the venue's instruments are called: the key that the bot knows them by, and the contract as details name it."""

from __future__ import annotations

from bot.domain.instruments import Instrument, OptionContract, parse_osi
from bot.sim.tws.contracts import expiry_text, last_day_text
from bot.sim.vocabulary import Market, VenueInstrument


class Names:
    """The names of one market's instruments."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._keys: dict[int, str] = {}

    def find(self, key: str) -> VenueInstrument | None:
        """Return what a key names; None when it names nothing."""
        found = (
            self._market.find(local_symbol=key)
            or self._market.find(symbol=key, sec_type="STK")
            or self._market.find(symbol=key, sec_type="IND")
        )
        return found[0] if found else None

    def key(self, instrument: VenueInstrument) -> str:
        known = self._keys.get(instrument.con_id)
        if known is None:
            option = instrument.sec_type == "OPT"
            known = self._keys[instrument.con_id] = instrument.local_symbol if option else instrument.symbol
        return known

    def contract(self, instrument: VenueInstrument) -> OptionContract | None:
        return parse_osi(instrument.local_symbol) if instrument.sec_type == "OPT" else None

    def named(self, instrument: VenueInstrument) -> Instrument:
        """Return a contract as contract details name it."""
        option, last = instrument.sec_type == "OPT", last_day_text(instrument)
        under = self._market.by_con_id(instrument.under_con_id) if option else None
        on_index = under is not None and under.sec_type == "IND"
        return Instrument(
            con_id=instrument.con_id,
            sec_type=instrument.sec_type,
            symbol=instrument.symbol,
            currency=instrument.currency,
            multiplier=str(instrument.multiplier) if option else "",
            exchange=instrument.exchange,
            primary_exchange=instrument.primary_exchange,
            trading_class=instrument.trading_class,
            local_symbol=instrument.local_symbol,
            last_trading_day=last,
            right=instrument.right,
            strike=f"{instrument.strike.normalize():f}" if instrument.strike is not None else "",
            cash_settled=on_index if under is not None else None,
            settled_at_open=last < expiry_text(instrument) if on_index else None,
            is_complete=True,
        )
