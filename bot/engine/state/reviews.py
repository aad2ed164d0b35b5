"""The overseer's looks at signals, as they are asked for."""

from __future__ import annotations

from bot.domain.review import Review
from bot.engine.state.ledger import Ledger


def open_reviews(ledger: Ledger) -> list[Review]:
    """Return the reviews that wait for a verdict."""
    return [review for review in ledger.reviews.values() if review.is_open] if ledger.reviews else []


def review_of(ledger: Ledger, signal_id: str) -> Review | None:
    """Return the overseer's look at a signal, None where there was none."""
    return next((review for review in ledger.reviews.values() if review.signal_id == signal_id), None)
