"""The tape of shares: dark-pool trades, volume by price, candles."""

from __future__ import annotations

from datetime import date, datetime
from decimal import ROUND_FLOOR, Decimal
from operator import attrgetter
from typing import Any, Final

from bot.domain.data.flow import TradeSide
from bot.domain.data.tape import DarkPoolTrade, LitTrade, PriceLevel, ShareTrade, StockBar, StockPrice
from bot.feeds.rows import FoldedParser, Parser, Parsers
from bot.feeds.tolerant import Malformed, Row, count, decimal, instant, need_decimal, real, text
from bot.feeds.vendors.unusual_whales.fields import day_if_there, time_of, was_cancelled

_STEPS: Final = tuple(map(Decimal, ("5", "1", "0.5", "0.25", "0.1", "0.05", "0.01")))
_BUCKETS_IN_A_PRICE: Final = 2000
_CONDITIONS: Final = ("sale_cond_codes", "trade_code", "ext_hour_sold_codes")


def dark_pool_trade(row: Row) -> DarkPoolTrade:
    """Read a row of darkpool/{ticker}, or a message of the channel off_lit_trades."""
    return DarkPoolTrade(**_share_trade(row))


def lit_trade(row: Row) -> LitTrade:
    """Read a row of lit-flow/{ticker}, or a message of the channel lit_trades."""
    return LitTrade(**_share_trade(row))


def _share_trade(row: Row) -> dict[str, Any]:
    price, bid, ask = need_decimal(row, "price"), decimal(row, "nbbo_bid"), decimal(row, "nbbo_ask")
    size = count(row, "size")
    return {
        "at": time_of(row, "executed_at"),
        "ticker": text(row, "ticker") or text(row, "symbol"),
        "price": price,
        "size": size,
        "premium": real(row, "premium") or float(price * size),
        "bid": bid,
        "ask": ask,
        "side": side_of(price, bid, ask),
        "venue": text(row, "market_center"),
        "conditions": tuple(word for name in _CONDITIONS if (word := text(row, name))),
        "tracking_id": count(row, "tracking_id"),
    }


def side_of(price: Decimal, bid: Decimal | None, ask: Decimal | None) -> TradeSide:
    """Return the side of the quote that a price is on; none where there is no quote or it is crossed."""
    if bid is None or ask is None or bid >= ask:
        return TradeSide.NONE
    return TradeSide.ASK if price >= ask else TradeSide.BID if price <= bid else TradeSide.MID


def price_level(row: Row) -> PriceLevel:
    """Read a row of stock-volume-price-levels as a part of its bucket: live, a day of SPY has 22,374 exact prices. A
    bucket is about a two-thousandth of the price wide, on a round step."""
    price = need_decimal(row, "price")
    if price <= 0:
        raise Malformed(f"price={price} is no price")
    step = next((each for each in _STEPS if each <= price / _BUCKETS_IN_A_PRICE), _STEPS[-1])
    bucket = (price / step).to_integral_value(ROUND_FLOOR) * step
    return PriceLevel(bucket, count(row, "lit_vol"), count(row, "off_vol"))


def _in_one_bucket(one: PriceLevel, other: PriceLevel) -> PriceLevel:
    return PriceLevel(one.price, one.lit + other.lit, one.off + other.off)


def stock_bar(row: Row) -> StockBar:
    """Read a candle; those of days and weeks have a `date` in place of times."""
    at = instant(row, "start_time") if "start_time" in row else None
    of_day = day_if_there(row, "date")
    if at is None and of_day is None:
        raise Malformed("start_time is missing")
    return StockBar(
        at=at,
        day=of_day,
        open=need_decimal(row, "open"),
        high=need_decimal(row, "high"),
        low=need_decimal(row, "low"),
        close=need_decimal(row, "close"),
        volume=count(row, "volume"),
        phase=text(row, "market_time"),
    )


def stock_price(row: Row) -> StockPrice:
    """Read the answer of stock-state, or a message of the channel price: there the time is a number."""
    price = need_decimal(row, "close")
    if price <= 0:
        raise Malformed(f"close={price} is no price")
    volume = count(row, "total_volume") if "total_volume" in row else count(row, "vol")
    return StockPrice(time_of(row, "tape_time", "time"), price, volume)


def _begins(row: StockBar) -> tuple[str, str]:
    return _written(row.at or row.day), row.phase


def _written(at: datetime | date | None) -> str:
    return "" if at is None else at.isoformat()


def _trade(row: ShareTrade) -> tuple[datetime, str, Decimal, int, int]:
    """There is no number of its own: the tracking id has been 0, and the stream has none."""
    return row.at, row.ticker, row.price, row.size, row.tracking_id


def _alike(row: ShareTrade) -> tuple[datetime, str, Decimal, int]:
    return row.at.replace(microsecond=0), row.ticker, row.price, row.size


_AT: Final = attrgetter("at")
TAPE: Final[Parsers] = {
    "dark_pool": Parser(dark_pool_trade, _trade, _trade, None, stamp=_AT, skip=was_cancelled, alike=_alike),
    "lit_trades": Parser(lit_trade, _trade, _trade, None, stamp=_AT, skip=was_cancelled, alike=_alike),
    "stock_price": Parser(stock_price, lambda r: "now", _AT, _AT),
    "off_lit_levels": FoldedParser(price_level, lambda r: r.price, _in_one_bucket, lambda r: r.price),
    "stock_bars": Parser(stock_bar, _begins, _begins, None),
}
