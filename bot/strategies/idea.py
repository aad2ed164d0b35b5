"""A strategy made of declared inputs, measured numbers, conditions and a choice of contract.

An idea says only what is its own: what it needs (`inputs`), what it measures (`measured`), by which conditions it is
judged (`market`), which way it points (`right`), which option it buys (`choice`), and when it is wrong
(`broken`). Lines, faults, the look with its reason, what the page shows and the log follow from these.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar, Final

from bot.analytics.liquidity import grade_quote
from bot.config.strategies import StrategySettings
from bot.domain.calendar import TradingSession
from bot.domain.instruments import OptionContract, Right
from bot.domain.market import MarketView
from bot.domain.position import Position
from bot.domain.quotes import Quote
from bot.strategies.base import STANDS, UNFIT, ConditionSeen, Look, Proposal, Thesis
from bot.strategies.conditions import Checked, Condition, Scene, Seen, graded, quoted, window, window_words
from bot.strategies.contracts import ContractAsked, ContractChoice, both_rights
from bot.strategies.declared import Input, faults_of, fresh_until, held_of, lines_of
from bot.strategies.inputs import quote_faults

_PADDING: Final = timedelta(minutes=2)  # option quotes are asked for a little before they are needed
_QUOTE: Final = frozenset({"quote"})


class Idea(ABC):
    """See the module. Everything that it knows is its settings; it remembers nothing."""

    due_every_s: float = 5.0
    inputs: tuple[Input, ...] = ()
    market: tuple[Condition, ...] = ()
    where: ClassVar[str] = "at the money"

    def __init__(self, name: str, settings: StrategySettings, choice: ContractChoice, min_grade: str) -> None:
        self.name, self.choice = name, choice
        self.symbols, self.exit = settings.symbols, settings.exit
        self.chain, self.cool_down_s = settings.chain.need, settings.cool_down_s
        self.priority = settings.priority
        self._from, self._to = settings.window_from, settings.window_to
        self._watch_from = settings.watch_from
        self._price_max_age_s, self._min_grade = settings.price_max_age_s, min_grade
        self._window = window(self._from, self._to)
        self._option = (quoted(self.where), graded(min_grade))

    # ---- what an idea says

    @abstractmethod
    def measured(self, symbol: str, view: MarketView, now: datetime) -> Seen | tuple[str, str]:
        """Return what is measured by name, `price` among it; or the word of the condition that cannot be judged and, in
        words, what is absent."""

    def right(self, seen: Seen) -> Right | None:
        """Return which way what was measured points, None: neither."""
        said = seen.get("right")
        return None if said is None else Right(str(said))

    def confidence(self, seen: Seen, strengths: Sequence[float]) -> int | None:
        """Return how sure the idea is, 0 to 100: where all must hold, 60 at the limits, up to 100 the further beyond
        them its numbers are on average (`Checked.strength`)."""
        return round(60 + 40 * sum(strengths) / len(strengths)) if strengths else 60

    def choice_for(self, confidence: int | None) -> ContractChoice:
        """Return which option is bought."""
        return self.choice

    def limits(self) -> Mapping[str, Any]:
        """Return the limits that stand beside the numbers of a proposal."""
        return {}

    def broken(self, right: Right, seen: Seen, now: datetime) -> str:
        """Say in words why what is measured now speaks against a position of this right; empty: it does not."""
        return ""

    # ---- what follows from it

    def interests(self, view: MarketView, session: TradingSession, now: datetime) -> dict[str, frozenset[str]]:
        """Return the lines of the inputs and, around the window, of the options that would be bought: first those at
        this price, then the other right of the same strikes, which a move over them would bring."""
        wanted = lines_of(self.inputs, self.symbols)
        start, end = session.at(self._watch_from or self._from), session.cut_off(self._to)
        if start - _PADDING <= now <= end + _PADDING:
            wanted |= dict.fromkeys(self._option_keys(view, session.day), _QUOTE)
        return wanted

    def _option_keys(self, view: MarketView, day: date) -> list[str]:
        found: list[OptionContract] = []
        for symbol in self.symbols:
            quote = view.quote(symbol)
            price = quote.reference if quote else None
            if price is not None:
                found += both_rights(self.choice, view, symbol, day, price)
        return [*(each.key for each in found), *(_opposite(each).key for each in found)]

    def input_faults(
        self, symbol: str, view: MarketView, now: datetime, contract: OptionContract | None = None
    ) -> tuple[str, ...]:
        """Return the faults of what is declared and, with a contract, of its quote."""
        faults = faults_of(self.inputs, symbol, view, now)
        return faults if contract is None else (*faults, *self._quote_faults(view, contract, now))

    def _quote_faults(self, view: MarketView, contract: OptionContract, now: datetime) -> tuple[str, ...]:
        return quote_faults(view, contract.key, now, self._price_max_age_s)

    def look(self, symbol: str, view: MarketView, session: TradingSession, now: datetime) -> Look:
        """Judge one symbol: the first condition that fails is the reason."""
        hours = self._window.check(Scene({}, session, now))
        if not hours.holds:
            return _no(symbol, self._window, hours, self._watched(symbol, view, session, now))
        if faults := self.input_faults(symbol, view, now):
            words = f"{UNFIT}{', '.join(faults)}"
            return Look(symbol, None, words, {"faults": list(faults), "condition": "inputs"})
        seen = self.measured(symbol, view, now)
        if isinstance(seen, tuple):
            word, absent = seen
            return Look(symbol, None, absent, {"condition": word})
        scene = Scene(seen, session, now)
        held: list[Checked] = []
        if (failed := _first_failure(symbol, self.market, scene, held)) is not None:
            return failed
        return self._choose(symbol, view, scene, session.day, held)

    def _watched(self, symbol: str, view: MarketView, session: TradingSession, now: datetime) -> Seen:
        """Return what is measured before the window, from when on it is watched: for people to read."""
        starts = self._watch_from
        if starts is None or not session.at(starts) <= now < session.at(self._from):
            return {}
        if self.input_faults(symbol, view, now):
            return {}
        seen = self.measured(symbol, view, now)
        return {} if isinstance(seen, tuple) else seen

    def _choose(self, symbol: str, view: MarketView, scene: Scene, day: date, held: list[Checked]) -> Look:
        """Find the option for what was measured, and judge that."""
        right, price = self.right(scene.seen), Decimal(scene.seen["price"])
        if right is None:
            return Look(symbol, None, "what was measured points neither way", {**scene.seen, "condition": "direction"})
        strengths = [each.strength for each in held if each.strength is not None]
        confidence = self.confidence(scene.seen, strengths)
        chosen = self.choice_for(confidence).of(ContractAsked(view, symbol, day, right, price))
        if isinstance(chosen, str):
            seen: dict[str, Any] = {**scene.seen, "no_contract": chosen}
            contract, quote = None, None
        else:
            contract, quote = chosen, view.quote(chosen.key)
            faults = self._quote_faults(view, contract, scene.now)
            seen = {**scene.seen, "contract": contract.key, **_of_the_quote(quote, faults, self._min_grade)}
        scene = Scene(seen, scene.session, scene.now)
        failed = _first_failure(symbol, self._option, scene, held)
        if failed is not None or contract is None or quote is None:
            return failed or Look(symbol, None, "the option has no quote", {**seen, "condition": "quote"})
        reason = ", ".join(each.said for each in held if each.said)
        seen |= {"condition": "met", "confidence": confidence, **self.limits()}
        return Look(symbol, Proposal(self.name, contract, quote, {**seen, "reason": reason}), reason, seen)

    def conditions(
        self, seen: Mapping[str, Any], session: TradingSession | None, now: datetime
    ) -> tuple[ConditionSeen, ...]:
        """Return window, the idea's own, quote and grade with their numbers."""
        scene = Scene(seen, session, now)
        hours = self._window.check(scene)
        first = ConditionSeen(window_words(self._from, self._to, session), hours.holds, hours.value, hours.miss)
        return (first, *(each.shown(scene) for each in (*self.market, *self._option)))

    def still_holds(self, position: Position, view: MarketView, now: datetime) -> Thesis:
        """Ask the idea about what is measured now; what is not fit, or not there, breaks nothing."""
        symbol = position.contract.symbol
        if faults_of(self.inputs, symbol, view, now):
            return STANDS
        seen = self.measured(symbol, view, now)
        if isinstance(seen, tuple):
            return STANDS
        reason = self.broken(position.contract.right, seen, now)
        return Thesis(holds=False, reason=reason, evidence=dict(seen)) if reason else STANDS

    def held(self, symbol: str, look: Look, view: MarketView) -> tuple[object, ...]:
        """Return what a look at a symbol went by: as long as it is the very same, and time has brought no end of it
        (`settled_until`), another look finds the same."""
        chosen = look.evidence.get("contract")
        quote = view.quote(str(chosen)) if chosen else None
        return (*held_of(self.inputs, symbol, view), view.chain(symbol), quote)

    def settled_until(
        self, symbol: str, look: Look, view: MarketView, session: TradingSession, now: datetime
    ) -> datetime:
        """Return until when a look stays as it is while nothing comes; `now` where time itself moves its reason."""
        if look.proposal is not None or look.evidence.get("condition") in {"window", "inputs"}:
            return now
        if self.choice.floors.max_spread_fraction is not None:
            return now  # then which contract is chosen goes by the quotes of others, too
        ends = [fresh_until(self.inputs, symbol, view, now), session.cut_off(self._to)]
        quote = view.quote(str(look.evidence.get("contract", "")))
        if quote is not None:
            ends.append(quote.sound_at + timedelta(seconds=self._price_max_age_s))
        return min(ends)


def _first_failure(symbol: str, conditions: Sequence[Condition], scene: Scene, held: list[Checked]) -> Look | None:
    """Return the look of the first condition that must hold and does not; those that do are added to `held`."""
    for condition in conditions:
        found = condition.check(scene)
        if found.holds:
            held.append(found)
        if condition.needed and not found.holds:
            return _no(symbol, condition, found, scene.seen)
    return None


def _of_the_quote(quote: Quote | None, faults: tuple[str, ...], min_grade: str) -> dict[str, Any]:
    if faults or quote is None:
        return {"quote_faults": list(faults)}
    return {
        "bid": quote.bid, "ask": quote.ask, "depth": min(quote.bid_size, quote.ask_size),
        "spread_fraction": quote.spread_fraction or Decimal(0), "grade": grade_quote(quote).value,
        "min_grade": min_grade,
    }  # fmt: skip


def _opposite(contract: OptionContract) -> OptionContract:
    """Return the other right at the same strike: what is bought once the price has crossed it."""
    other = Right.PUT if contract.right is Right.CALL else Right.CALL
    return OptionContract(contract.root, contract.expiry, other, contract.strike, contract.multiplier)


def _no(symbol: str, condition: Condition, found: Checked, seen: Seen) -> Look:
    reason = found.reason or f"{condition.words}: not known"
    return Look(symbol, None, reason, {**seen, "condition": found.word or condition.word})
