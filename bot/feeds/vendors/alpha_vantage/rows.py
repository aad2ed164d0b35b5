"""Rows of Alpha Vantage that are typed: its option chains and its news with scores."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from bot.domain.data.contracts import OptionContractRow
from bot.domain.data.scored_news import ScoredArticle, TickerScore
from bot.domain.instruments import parse_osi
from bot.feeds.rows import Parser, Parsers
from bot.feeds.tolerant import Malformed, Row, SampleRows, count, decimal, need_instant, need_real, real, text

_SUCCESS: Final = "success"
_IV_LEAST, _IV_MOST = 0.01, 3.0
_FAKE_YEAR: Final = "2099-99"


def chain_rows(body: bytes, most_rows: int | None) -> list[Any]:
    """Return the rows of REALTIME_OPTIONS; raises SampleRows for the made-up rows that come without the plan, and
    Malformed for no answer of this kind. An answer without rows is that of an unknown symbol or a quiet day."""
    answer = _answer(body)
    rows, said = answer.get("data"), str(answer.get("message", ""))
    if said.lower() != _SUCCESS or (isinstance(rows, list) and any(_is_made_up(row) for row in rows[:1])):
        if isinstance(rows, list) and rows:
            raise SampleRows(f"the rows are samples and not data: {text({'': said}, '') or 'no message'}")
        raise Malformed(f"no chain: {text({'': said}, '') or 'no message'}")
    return _bounded(rows, most_rows)


def articles(body: bytes, most_rows: int | None) -> list[Any]:
    """Return the articles of NEWS_SENTIMENT; raises Malformed."""
    return _bounded(_answer(body).get("feed"), most_rows)


def _answer(body: bytes) -> Mapping[str, Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        raise Malformed("not JSON") from None
    if not isinstance(answer, dict):
        raise Malformed("no rows in the answer")
    return answer


def _bounded(rows: Any, most_rows: int | None) -> list[Any]:
    if not isinstance(rows, list):
        raise Malformed("no rows in the answer")
    if most_rows is not None and len(rows) > most_rows:
        raise Malformed(f"{len(rows)} rows, {most_rows} were asked for")
    return rows


def _is_made_up(row: Any) -> bool:
    return isinstance(row, dict) and (
        str(row.get("expiration", "")).startswith(_FAKE_YEAR) or str(row.get("symbol", "")).startswith("XXYYZZ")
    )


def option(row: Row) -> OptionContractRow:
    """Read a row of REALTIME_OPTIONS. It has no time of day; a bid or ask of zero is none; a volatility that cannot be
    one is left out."""
    try:
        contract = parse_osi(text(row, "contractID"))
    except ValueError as error:
        raise Malformed(str(error)) from None
    iv, delta = _real(row, "implied_volatility"), _real(row, "delta")
    if delta is not None and abs(delta) > 1:
        raise Malformed(f"delta={delta:g} is none")
    return OptionContractRow(
        contract=contract,
        bid=_price(row, "bid"),
        ask=_price(row, "ask"),
        last=_price(row, "last"),
        volume=count(_plain(row, "volume"), "volume"),
        open_interest=count(_plain(row, "open_interest"), "open_interest"),
        ask_volume=0,
        bid_volume=0,
        total_premium=0.0,
        iv=iv if iv is not None and _IV_LEAST <= iv <= _IV_MOST else None,
        delta=delta,
        gamma=_real(row, "gamma"),
        last_trade_at=None,
    )


def article(row: Row) -> ScoredArticle:
    """Read an article of NEWS_SENTIMENT."""
    url = text(row, "url")
    if not url:
        raise Malformed("url is missing")
    given = row.get("ticker_sentiment")
    if not isinstance(given, list):
        raise Malformed("ticker_sentiment is no list")
    return ScoredArticle(
        url=url,
        at=need_instant(row, "time_published"),
        title=text(row, "title"),
        publisher=text(row, "source"),
        overall=_real(row, "overall_sentiment_score"),
        scores=tuple(_score(each) for each in given),
    )


def _score(row: Any) -> TickerScore:
    if not isinstance(row, dict):
        raise Malformed("ticker_sentiment has a row that is no object")
    score, relevance = need_real(row, "ticker_sentiment_score"), need_real(row, "relevance_score")
    if not (-1 <= score <= 1 and 0 <= relevance <= 1):
        raise Malformed(f"a score of {score:g} with relevance {relevance:g} is none")
    return TickerScore(text(row, "ticker"), score, relevance)


_NONE: Final = frozenset({"None", "-", "none", "N/A"})


def _plain(row: Row, name: str) -> Row:
    """Return a field with the vendor's words for nothing taken as nothing."""
    value = row.get(name)
    return {name: None if isinstance(value, str) and value in _NONE else value}


def _real(row: Row, name: str) -> float | None:
    return real(_plain(row, name), name)


def _price(row: Row, name: str) -> Any:
    price = decimal(_plain(row, name), name)
    return price or None


PARSERS: Final[Parsers] = {
    "av_realtime_options": Parser(option, lambda r: r.contract.key, lambda r: r.contract.key, None),
    "av_news_sentiment": Parser(article, lambda r: r.url, lambda r: (r.at, r.url), None, stamp=lambda r: r.at),
}
ENVELOPES: Final[Mapping[str, Callable[[bytes, int | None], list[Any]]]] = {
    "av_realtime_options": chain_rows,
    "av_news_sentiment": articles,
}
