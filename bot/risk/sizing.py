"""How many contracts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from bot.config.risk import RiskSettings
from bot.config.sizing import SizingSettings
from bot.domain.slowdown import ALL_OF_IT
from bot.domain.wording import dollars, signed
from bot.risk import allowance
from bot.risk.allowance import PLAIN, TradeFacts, premium_fraction


def contracts_within_premium(equity: Decimal, fraction: Decimal, price: Decimal, multiplier: int) -> int:
    """Return the whole contracts whose full premium is at most `fraction` of equity; zero: too dear for the account.

    Equity in dollars, `fraction` 0.02 for two percent, `price` per share. A long option can lose all of its premium
    and no more, so the premium is the risk. Raises ValueError when price or multiplier is not positive.
    """
    if price <= 0:
        raise ValueError(f"price must be positive, not {price}")
    if multiplier <= 0:
        raise ValueError(f"multiplier must be positive, not {multiplier}")
    budget = equity * fraction
    if budget <= 0:
        return 0
    return int(budget // (price * multiplier))


_SHIPPED: Final = SizingSettings()


@dataclass(frozen=True, slots=True)
class Size:
    """How many contracts, in words the cap that left no more, and how many of them one order asks for at most."""

    contracts: int
    bound_by: str
    order_most: int


def size_entry(
    settings: RiskSettings,
    sizing: SizingSettings = _SHIPPED,
    *,
    equity: Decimal,
    price: Decimal,
    multiplier: int,
    displayed: int,
    may_lose: Decimal | None,
    open_premium: Decimal,
    scale: Decimal = ALL_OF_IT,
    trade: TradeFacts = PLAIN,
    further: Sequence[tuple[int, str]] = (),
) -> Size:
    """Return the most contracts that every cap allows, never below zero; what exceeds one order goes out in chunks.

    Dollars but for `price`, per share. `displayed`: contracts on the thinner side of the quote; where not one may be
    asked for, the size is zero. `may_lose`: what the day may lose from here until its loss limit, None when no day's
    equity is known; the premium that is open already, `open_premium`, and that of this entry stay within it together.
    `scale`: of what the caps allow while entries are slowed; one above 1 counts as 1. `trade`: what its share follows
    from; `further`: caps of the whole book, as (contracts, why).
    """
    cost, most = price * multiplier, most_of_one_order(settings, displayed)
    fraction = premium_fraction(sizing, settings.max_premium_fraction, trade)
    caps = [_premium_budget(fraction, equity, price, multiplier), *further]
    caps += allowance.caps(sizing, trade, equity=equity, cost=cost, displayed=displayed)
    if may_lose is not None:
        caps.append(_day_loss_room(may_lose, open_premium, cost))
    if most < 1:
        words = f"DISPLAYED_SIZE {displayed} on the thinner side, times {settings.max_displayed_multiple}"
        caps.append((0, words))
    contracts, bound_by = min(caps, key=lambda cap: cap[0])
    if scale < ALL_OF_IT:
        contracts, bound_by = int(contracts * scale), f"SLOWED to {scale} of {contracts}; {bound_by}"
    if contracts > most:
        bound_by += f"; {_why_chunks(settings, displayed, most)}"
    return Size(max(contracts, 0), bound_by, most)


def _premium_budget(most: Decimal, equity: Decimal, price: Decimal, multiplier: int) -> tuple[int, str]:
    budget, share = dollars(equity * most), f"{signed(most * 100, plus=False)} % of {dollars(equity)}"
    words = f"PREMIUM_BUDGET one contract costs {dollars(price * multiplier)}, all may cost {budget}: {share}"
    return contracts_within_premium(equity, most, price, multiplier), words


def _day_loss_room(may_lose: Decimal, open_premium: Decimal, cost: Decimal) -> tuple[int, str]:
    left = may_lose - open_premium
    words = f"DAY_LOSS_ROOM the day may still lose {dollars(may_lose)}, {dollars(open_premium)} of premium are open"
    return int(left // cost) if left > 0 else 0, words


def most_of_one_order(settings: RiskSettings, displayed: int) -> int:
    """Return how many contracts one entry order asks for at most: `displayed` are on the quote's thinner side."""
    return min(settings.max_contracts, int(displayed * settings.max_displayed_multiple))


def _why_chunks(settings: RiskSettings, displayed: int, most: int) -> str:
    """Return the cap of one order in words."""
    if most == settings.max_contracts:
        return f"in chunks of at most MAX_CONTRACTS {most}"
    shown = f"DISPLAYED_SIZE {displayed} on the thinner side, times {settings.max_displayed_multiple}"
    return f"in chunks of at most {most}: {shown}"


def day_may_lose(settings: RiskSettings, opening: Decimal, pnl: Decimal) -> Decimal:
    """Return the dollars that the day may lose from here: the nearer of its two limits, with the P&L so far."""
    limit = opening * settings.daily_loss_fraction
    if settings.daily_loss_usd:
        limit = min(limit, settings.daily_loss_usd)
    return max(limit + min(pnl, Decimal(0)), Decimal(0))
