"""The mean of what articles say of a ticker."""

from __future__ import annotations

from collections.abc import Iterable

from bot.domain.data.merged import TickerSentiment
from bot.domain.data.scored_news import ScoredArticle


def mean_ticker_score(articles: Iterable[ScoredArticle], symbol: str) -> TickerSentiment | None:
    """Return the mean of the ticker's own scores and how many articles have one, None where none has.

    The plain mean counts each article once; the weighted one by how much of it is about the ticker (0 to 1). An
    article's overall score is left out: it speaks of other tickers too.
    """
    scored = [(article.at, score) for article in articles for score in article.scores if score.ticker == symbol]
    if not scored:
        return None
    mean = sum(score.score for _, score in scored) / len(scored)
    weight = sum(score.relevance for _, score in scored)
    weighted = sum(score.score * score.relevance for _, score in scored) / weight if weight > 0 else mean
    return TickerSentiment(symbol, mean, weighted, len(scored), max(at for at, _ in scored))
