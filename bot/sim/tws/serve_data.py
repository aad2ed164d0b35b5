"""Answers to requests for live data: quotes, depth, tick-by-tick, real-time bars, option calculators."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Final

from bot.sim.tws import generic_ticks, messages, requests, subscribed
from bot.sim.tws.bars import KINDS, BarRequest
from bot.sim.tws.contracts import closing_time
from bot.sim.tws.handlers import answers, invalid, resolve
from bot.sim.tws.market_streams import DepthLine, MarketLine, MarketStream
from bot.sim.tws.option_math import YEAR_S, at_price, at_volatility, black_scholes
from bot.sim.tws.session import ClientSession
from bot.sim.tws.tape_streams import BAR_S, TRADE_KINDS, MidpointTape, QuoteTape, RealTimeBars, TradeTape
from bot.sim.tws.ticks import last_prints, trade_ticks
from bot.sim.tws.wire import WireMessage
from bot.sim.vocabulary import ModelGreeks, VenueInstrument

QUOTES, DEPTH, TAPE, BARS = "market data", "depth", "tick by tick", "real-time bars"
MARKET_DATA = frozenset({QUOTES, DEPTH, TAPE, BARS})
_LIVE, _FROZEN = 1, 2
_SHARES_SINCE: Final = 159
_BESIDE_S: Final = 1.0
"""Wall seconds between two looks at what is listed beside the day's underlyings."""


@answers(requests.MarketDataType)
def market_data_type(session: ClientSession, request: requests.MarketDataType) -> None:
    """The venue has live data for everything, so that delayed kinds are answered live, as TWS does."""
    if not 1 <= request.kind <= 4:
        invalid(session, -1, f"market data type {request.kind} is not within 1 to 4")
        return
    session.market_data_type = request.kind


def _kind_in_force(session: ClientSession) -> int:
    face = session.face
    trading = face.market.session_open() <= face.now() < face.market.session_close()
    return _FROZEN if session.market_data_type in {2, 4} and not trading else _LIVE


@answers(requests.MarketData)
def market_data(session: ClientSession, request: requests.MarketData) -> None:
    numbers, wrong = generic_ticks.parse(request.generic_ticks)
    if wrong:
        invalid(session, request.req_id, f"Incorrect generic tick list: {wrong!r}")
        return
    once = request.snapshot or request.regulatory_snapshot
    if once and numbers:
        invalid(session, request.req_id, "Snapshot market data subscription is not applicable to generic ticks")
        return
    if _is_taken(session, QUOTES, request.req_id):
        return
    if not once and session.count(QUOTES) >= session.face.limits.market_data_lines:
        session.error(request.req_id, 101, "Max number of tickers has been reached")
        return
    instrument = resolve(session, request.req_id, request.contract)
    if instrument is None:
        return
    code = _not_subscribed(session, request.req_id, instrument)
    if not subscribed.goes_on(code):
        return
    every_s = _BESIDE_S if session.face.is_beside(instrument) else 0.0
    line = MarketLine(
        request.req_id, instrument, numbers, round_lots=session.version < _SHARES_SINCE, every_s=every_s
    )  # fmt: skip
    stream: MarketStream = subscribed.DelayedLine(line) if code == subscribed.DELAYED else line
    kind = subscribed.DELAYED_KIND if code == subscribed.DELAYED else _kind_in_force(session)
    session.send_all([*line.opening(kind), *stream.pace(session.face.moment())])
    if once:
        session.send(messages.snapshot_end(request.req_id))
    else:
        session.subscribe(QUOTES, request.req_id, stream)


def _not_subscribed(session: ClientSession, req_id: int, instrument: VenueInstrument) -> int:
    """Say that the login has no subscription for an instrument; return the code that was said, 0 where it has one."""
    code = subscribed.answered(session.face.refusal_of(instrument), session.market_data_type)
    if code:
        session.error(req_id, code, subscribed.text_of(code))
    return code


@answers(requests.CancelMarketData)
def cancel_market_data(session: ClientSession, request: requests.CancelMarketData) -> None:
    _cancel(session, QUOTES, request.req_id)


@answers(requests.MarketDepth)
def market_depth(session: ClientSession, request: requests.MarketDepth) -> None:
    if _is_taken(session, DEPTH, request.req_id):
        return
    if session.count(DEPTH) >= session.face.limits.depth_requests:
        text = f"Max number ({session.face.limits.depth_requests}) of market depth requests has been reached"
        session.error(request.req_id, 309, text)
        return
    instrument = resolve(session, request.req_id, request.contract)
    if instrument is None:
        return
    if instrument.sec_type == "IND":
        session.error(request.req_id, 10092, "Deep market data is not supported for this combination of security type")
        return
    if not subscribed.only_live(_not_subscribed(session, request.req_id, instrument)):
        return
    if request.rows <= 0:
        invalid(session, request.req_id, f"{request.rows} rows of depth")
        return
    line = DepthLine(request.req_id, instrument, min(request.rows, 20), smart=request.smart)
    _begin(session, DEPTH, request.req_id, line)


@answers(requests.CancelMarketDepth)
def cancel_market_depth(session: ClientSession, request: requests.CancelMarketDepth) -> None:
    if not session.unsubscribe(DEPTH, request.req_id):
        session.error(request.req_id, 310, f"Can't find the subscribed market depth with tickerId:{request.req_id}")


@answers(requests.TickByTick)
def tick_by_tick(session: ClientSession, request: requests.TickByTick) -> None:
    if request.kind not in {*TRADE_KINDS, "BidAsk", "MidPoint"}:
        invalid(session, request.req_id, f"Invalid tick-by-tick data type {request.kind!r}")
        return
    if _is_taken(session, TAPE, request.req_id):
        return
    instrument = resolve(session, request.req_id, request.contract)
    if instrument is None:
        return
    if not subscribed.only_live(_not_subscribed(session, request.req_id, instrument)):
        return
    if _tape_limit_reached(session, instrument):
        session.error(request.req_id, 10190, "Max number of tick-by-tick requests has been reached")
        return
    _begin(session, TAPE, request.req_id, _tape(session, request, instrument))


@answers(requests.CancelTickByTick)
def cancel_tick_by_tick(session: ClientSession, request: requests.CancelTickByTick) -> None:
    _cancel(session, TAPE, request.req_id)


def _tape_limit_reached(session: ClientSession, instrument: VenueInstrument) -> bool:
    """Return whether another line would pass the limit; each is counted, and so is the time since the last one."""
    limits, monotonic = session.face.limits, session.face.monotonic()
    asked = session.tape_requests.get(instrument.con_id, float("-inf"))
    if session.count(TAPE) >= limits.tick_by_tick_requests or monotonic - asked < limits.tick_by_tick_repeat_s:
        return True
    session.tape_requests[instrument.con_id] = monotonic
    return False


def _tape(session: ClientSession, request: requests.TickByTick, instrument: VenueInstrument) -> MarketStream:
    if request.kind in TRADE_KINDS:
        now, most = session.face.now(), session.face.limits.prints_per_pace
        session.send_all(_tape_history(session, request, instrument))
        return TradeTape(request.req_id, instrument, TRADE_KINDS[request.kind], now, most)
    if request.kind == "BidAsk":
        return QuoteTape(request.req_id, instrument, ignore_size=request.ignore_size)
    return MidpointTape(request.req_id, instrument)


def _tape_history(
    session: ClientSession, request: requests.TickByTick, instrument: VenueInstrument
) -> list[WireMessage]:
    """Return the trades before now that a request asks to be given first."""
    if request.count <= 0:
        return []
    prints = last_prints(session.face.market, instrument, session.face.now(), min(request.count, 1000))
    return [trade_ticks(request.req_id, prints)]


@answers(requests.RealTimeBarsAsk)
def real_time_bars(session: ClientSession, request: requests.RealTimeBarsAsk) -> None:
    if request.what not in KINDS - {"BID_ASK", "ADJUSTED_LAST"}:
        invalid(session, request.req_id, f"Invalid what-to-show {request.what!r}")
        return
    if request.bar_size not in {0, BAR_S}:
        invalid(session, request.req_id, "Only 5 sec bars are supported")
        return
    if _is_taken(session, BARS, request.req_id):
        return
    instrument = resolve(session, request.req_id, request.contract)
    if instrument is None:
        return
    bars = BarRequest(instrument, request.what, BAR_S, request.regular_hours, session.version)
    _begin(session, BARS, request.req_id, RealTimeBars(request.req_id, bars, session.face.now()))


@answers(requests.CancelRealTimeBars)
def cancel_real_time_bars(session: ClientSession, request: requests.CancelRealTimeBars) -> None:
    _cancel(session, BARS, request.req_id)


@answers(requests.ImpliedVolatility)
def implied_volatility(session: ClientSession, request: requests.ImpliedVolatility) -> None:
    model, instrument = _model(session, request.req_id, request.contract, request.underlying_price)
    if instrument is None:
        return
    answer = None
    if model is not None:
        answer = at_price(model, instrument, _years(session, instrument), request.option_price)
    session.send(messages.option_computation(request.req_id, messages.CUSTOM_GREEKS, answer))


@answers(requests.OptionPrice)
def option_price(session: ClientSession, request: requests.OptionPrice) -> None:
    model, instrument = _model(session, request.req_id, request.contract, request.underlying_price)
    if instrument is None:
        return
    answer = None
    if model is not None and request.volatility is not None and request.volatility > 0:
        answer = at_volatility(model, instrument, _years(session, instrument), float(request.volatility))
    session.send(messages.option_computation(request.req_id, messages.CUSTOM_GREEKS, answer))


def _model(
    session: ClientSession, req_id: int, query: requests.ContractQuery, underlying: Decimal | None
) -> tuple[ModelGreeks | None, VenueInstrument | None]:
    """Return the option's model values moved to the underlying price that the client supposes."""
    instrument = resolve(session, req_id, query)
    if instrument is None:
        return None, None
    model = session.face.moment().greeks(instrument)
    if instrument.sec_type != "OPT" or underlying is None or underlying <= 0:
        invalid(session, req_id, "an option and the price of its underlying are needed")
        return None, None
    if model is None:
        return None, instrument
    strike, years = float(instrument.strike or 0), _years(session, instrument)
    here = black_scholes(model.underlying, strike, years, model.iv, instrument.right)
    there = black_scholes(float(underlying), strike, years, model.iv, instrument.right)
    moved = replace(
        model,
        underlying=float(underlying),
        price=model.price + there.price - here.price,
        delta=model.delta + there.delta - here.delta,
        gamma=model.gamma + there.gamma - here.gamma,
        vega=model.vega + there.vega - here.vega,
        theta=model.theta + there.theta - here.theta,
    )
    return moved, instrument


def _years(session: ClientSession, instrument: VenueInstrument) -> float:
    if instrument.expiry is None:
        return 0.0
    left = closing_time(instrument.expiry, session.face.market) - session.face.now()
    return max(0.0, left.total_seconds() / YEAR_S)


def _begin(session: ClientSession, kind: str, req_id: int, stream: MarketStream) -> None:
    """Subscribe and say the first values at once."""
    session.subscribe(kind, req_id, stream)
    session.send_all(stream.pace(session.face.moment()))


def _is_taken(session: ClientSession, kind: str, req_id: int) -> bool:
    if (kind, req_id) not in session.streams:
        return False
    session.error(req_id, 102, "Duplicate ticker ID")
    return True


def _cancel(session: ClientSession, kind: str, req_id: int) -> None:
    if not session.unsubscribe(kind, req_id):
        session.error(req_id, 300, f"Can't find EId with tickerId:{req_id}")
