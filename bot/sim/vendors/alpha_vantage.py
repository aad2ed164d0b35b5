"""Alpha Vantage: one path, functions by name; everything is a 200."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any, Final

from bot.sim.uw.limits import NEW_YORK
from bot.sim.uw.routes import NO_ROUTE, VendorAnswer
from bot.sim.uw.source import Candle, ContractState, UwSource
from bot.sim.vendors.face import VendorAsked, json_answer

_MINUTES: Final[Mapping[str, int]] = {"1min": 60, "5min": 300, "15min": 900, "30min": 1800, "60min": 3600}
_NEWS_EVERY_S: Final = 1800
_NEWS_KEPT: Final = 12
_LABELS: Final = ((-0.35, "Bearish"), (-0.15, "Somewhat-Bearish"), (0.15, "Neutral"), (0.35, "Somewhat-Bullish"))
_INDICATORS_KEPT: Final = 100


class AlphaVantage:
    """Chains, indicators and news that follow from the market model."""

    key = "apikey"

    def __init__(self, market: UwSource) -> None:
        self._market = market
        self._chains: dict[tuple[str, str | None, bool], tuple[datetime, Any]] = {}  # written once a minute
        self._functions: Mapping[str, Callable[[VendorAsked, str], Any]] = {
            "REALTIME_OPTIONS": self._options,
            "NEWS_SENTIMENT": self._news,
            "RSI": self._rsi,
            "SMA": self._sma,
            "OVERVIEW": self._overview,
        }

    def answer(self, asked: VendorAsked) -> VendorAnswer:
        function = self._functions.get(asked.query.get("function", ""))
        if asked.path != "/query":
            return NO_ROUTE
        if function is None:
            return json_answer({"Error Message": "This API function does not exist."})
        symbol = asked.query.get("symbol") or asked.query.get("tickers", "")
        if symbol not in self._market.symbols():
            return json_answer({})  # what the vendor answers to a symbol that it does not know
        return json_answer(function(asked, symbol))

    def refusal(self) -> VendorAnswer:
        return json_answer({"Error Message": "the parameter apikey is invalid or missing."})

    def _options(self, asked: VendorAsked, symbol: str) -> Any:
        wanted, greeks = asked.query.get("expiration"), asked.query.get("require_greeks") == "true"
        minute, known = asked.now.replace(second=0, microsecond=0), self._chains.get((symbol, wanted, greeks))
        if known is not None and known[0] == minute:
            return known[1]
        last = date.fromisoformat(wanted) if wanted else None
        chain = self._market.contracts_at(symbol, asked.now, last)
        rows = [_option(each, symbol, greeks) for each in chain if wanted in (None, each.expiry.isoformat())]
        rows.sort(key=lambda row: (row["expiration"], float(row["strike"])))
        answer = {"endpoint": "Realtime Options", "message": "success", "data": rows}
        self._chains[symbol, wanted, greeks] = (minute, answer)
        return answer

    def _news(self, asked: VendorAsked, symbol: str) -> Any:
        """An article each half hour: it is about what the price did."""
        opened = self._market.session()[0]
        candles = self._market.candles(symbol, asked.now, _NEWS_EVERY_S)
        since = asked.query.get("time_from", "")
        written = [_article(bar, symbol) for bar in candles]
        feed = [each for each in written if each["time_published"] >= since]
        if not feed and opened > asked.now - timedelta(days=1):
            day = self._market.stock_at(symbol, asked.now)
            feed = [_article(Candle(opened, day.open, day.high, day.low, day.close, day.volume), symbol)]
        newest = feed[::-1][: min(asked.whole("limit", 50), _NEWS_KEPT)]
        return {"items": str(len(newest)), "sentiment_score_definition": "x <= -0.35: Bearish; ...",
                "relevance_score_definition": "0 < x <= 1, with a higher score ...", "feed": newest}  # fmt: skip

    def _rsi(self, asked: VendorAsked, symbol: str) -> Any:
        return self._indicator(asked, symbol, "RSI", _relative_strength)

    def _sma(self, asked: VendorAsked, symbol: str) -> Any:
        return self._indicator(asked, symbol, "SMA", _average)

    def _indicator(self, asked: VendorAsked, symbol: str, name: str, of: Callable[[Sequence[float]], float]) -> Any:
        interval, period = asked.query.get("interval", ""), asked.whole("time_period", 0)
        if interval not in _MINUTES or period < 1:
            return {"Error Message": f"Invalid API call. Please retry or visit the documentation for {name}."}
        bars = self._market.candles(symbol, asked.now, _MINUTES[interval])
        closes = [float(bar.close) for bar in bars]
        places = range(period, len(closes))[-_INDICATORS_KEPT:]
        values = {_local(bars[n].at): {name: f"{of(closes[n - period : n + 1]):.4f}"} for n in reversed(places)}
        meta = {"1: Symbol": symbol, "4: Interval": interval, "5: Time Period": period, "7: Time Zone": "US/Eastern"}
        return {"Meta Data": meta, f"Technical Analysis: {name}": values}

    def _overview(self, asked: VendorAsked, symbol: str) -> Any:
        day = self._market.stock_at(symbol, asked.now)
        size = sum(map(ord, symbol)) * 1_000_000
        return {
            "Symbol": symbol, "AssetType": "Index" if self._market.is_index(symbol) else "ETF",
            "Name": f"{symbol} (simulated)", "Currency": "USD", "Country": "USA",
            "MarketCapitalization": str(size * int(day.close)),
            "PERatio": f"{15 + size % 17}", "DividendYield": "0.012", "Beta": "1.01",
            "52WeekHigh": f"{float(day.high) * 1.12:.2f}", "52WeekLow": f"{float(day.low) * 0.81:.2f}",
            "LatestQuarter": "2026-09-30", "AnalystTargetPrice": "None",
        }  # fmt: skip


def _option(each: ContractState, symbol: str, greeks: bool) -> dict[str, str]:
    row = {
        "contractID": each.symbol, "symbol": symbol, "expiration": each.expiry.isoformat(),
        "strike": f"{each.strike:.2f}", "type": "call" if each.right.upper().startswith("C") else "put",
        "last": _money(each.last), "mark": _mark(each), "bid": _money(each.bid), "ask": _money(each.ask),
        "volume": str(each.volume), "open_interest": str(each.open_interest),
    }  # fmt: skip
    if greeks:
        row |= {name: f"{getattr(each, name):.5f}" for name in ("delta", "gamma", "theta", "vega")}
        row |= {"implied_volatility": f"{each.iv:.5f}", "rho": "0.00000"}
    return row


def _money(value: Any) -> str:
    return "0.00" if value is None else f"{value:.2f}"


def _mark(each: ContractState) -> str:
    return _money((each.bid + each.ask) / 2 if each.bid is not None and each.ask is not None else None)


def _article(bar: Candle, symbol: str) -> dict[str, Any]:
    change = float(bar.close / bar.open) - 1 if bar.open else 0.0
    score = round(max(-0.9, min(0.9, change * 100)), 6)
    label = next((word for most, word in _LABELS if score <= most), "Bullish")
    verb = "rises" if change > 0 else "falls"
    other = "SPY" if symbol != "SPY" else "QQQ"
    published = f"{bar.at:%Y%m%dT%H%M%S}"
    return {
        "title": f"{symbol} {verb} to {bar.close}", "url": f"https://news.example/{symbol.lower()}/{published}",
        "time_published": published, "authors": [], "summary": f"{symbol} {verb} {abs(change):.2%}.",
        "source": "Simulated Wire", "source_domain": "news.example",
        "topics": [{"topic": "Financial Markets", "relevance_score": "0.9"}],
        "overall_sentiment_score": score, "overall_sentiment_label": label,
        "ticker_sentiment": [
            {"ticker": symbol, "relevance_score": "0.9", "ticker_sentiment_score": f"{score:.6f}",
             "ticker_sentiment_label": label},
            {"ticker": other, "relevance_score": "0.1", "ticker_sentiment_score": "0.000000",
             "ticker_sentiment_label": "Neutral"},
        ],
    }  # fmt: skip


def _local(at: datetime) -> str:
    return f"{at.astimezone(NEW_YORK):%Y-%m-%d %H:%M}"


def _average(closes: Sequence[float]) -> float:
    return sum(closes[1:]) / (len(closes) - 1)


def _relative_strength(closes: Sequence[float]) -> float:
    """Return Wilder's relative strength over the changes of these closes, without his smoothing: 0 to 100."""
    changes = [after - before for before, after in pairwise(closes)]
    gained, lost = sum(max(each, 0) for each in changes), sum(max(-each, 0) for each in changes)
    return 50.0 if gained == lost == 0 else 100 * gained / (gained + lost)
