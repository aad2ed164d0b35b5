"""Prices that a person tells: what a position was settled at, or was sold for by somebody else."""

from __future__ import annotations

from decimal import Decimal

from bot.domain.events.people import RequestReceived
from bot.domain.money import neat, to_price
from bot.domain.position import Position, Settlement
from bot.domain.requests import Payload, Refused
from bot.domain.typed_price import PriceUnclear, is_far, price_of
from bot.domain.wording import dollars
from bot.engine.book import sold_elsewhere
from bot.engine.requested.desk import RequestDesk, what_the_position_is
from bot.engine.settlement import settler
from bot.engine.settlement.expiry import sound_price


def settle(desk: RequestDesk, command: RequestReceived, payload: Payload) -> str:
    """Take a person's word for the underlying's price that a position was settled at, or for what a share of an
    option brought that somebody else sold."""
    position_id, ledger = payload.position_id, desk.ctx.ledger
    position = ledger.closed.get(position_id) or ledger.positions.get(position_id)
    if position is not None and position.settlement is None and sold_elsewhere.is_uncertain(position):
        return _tell_what_it_brought(desk, command, payload, position)
    if position is None or position_id not in ledger.closed or position.settlement is None:
        raise Refused(what_the_position_is(desk, position_id))
    price = _price(payload.price)
    if position.settlement is Settlement.FINAL and price == position.settlement_price:
        raise Refused(f"{position.contract} is settled at {price} already")
    _refuse_far(price, _underlying_seen(desk, position), desk.ctx.settings.requests.price_far, payload)
    verdict = settler.told_by_person(position, price, command.actor)
    settler.resettle(desk.journal, position, verdict, {"command": command.id, "underlying": price}, command.actor)
    return f"{verdict.words}; realized {dollars(position.realized_pnl, plus=True)}"


def _tell_what_it_brought(desk: RequestDesk, command: RequestReceived, payload: Payload, position: Position) -> str:
    price, strike = _price(payload.price), position.contract.strike
    if price >= strike:
        raise Refused(f"{price} is no price of {position.contract}: tell what a share of the option was sold at")
    seen = position.elsewhere_estimate, f"the last price of {position.contract} that was seen or told"
    _refuse_far(price, seen, desk.ctx.settings.requests.option_price_far, payload)
    words = sold_elsewhere.tell(desk.journal, position, price, command.actor, {"command": command.id})
    return f"{words}; realized {dollars(position.realized_pnl, plus=True)}"


def _underlying_seen(desk: RequestDesk, position: Position) -> tuple[Decimal | None, str]:
    """Return the underlying's price that a person's is compared with, and what it is: what the position was settled
    at, else the latest quote; with neither, the strike, which tells a slip of the point."""
    symbol, strike = position.contract.symbol, position.contract.strike
    if position.settlement_price is not None:
        return position.settlement_price, f"{symbol} at which it is settled now"
    quote = desk.ctx.board.quote(symbol)
    latest = None if quote is None else sound_price(quote.reference)
    if latest is not None:
        return latest, f"the latest price of {symbol}"
    return strike, f"the strike, as no price of {symbol} was seen"


def _price(typed: str) -> Decimal:
    try:
        return to_price(price_of(typed))
    except PriceUnclear as unclear:
        raise Refused(f"PRICE_UNCLEAR: {unclear}") from unclear


def _refuse_far(price: Decimal, seen: tuple[Decimal | None, str], most: Decimal, payload: Payload) -> None:
    """Ask again where a told price is far from what was seen, unless the person insists on it."""
    compared, what = seen
    if compared is None or payload.insisted or not is_far(price, compared, most):
        return
    raise Refused(
        f"PRICE_FAR: {price} was understood, and that is more than {most:.0%} from {neat(compared)}, {what}; nothing "
        "was changed. If it is right, tell it again and insist (command line: --yes, page: the box below the price)"
    )
