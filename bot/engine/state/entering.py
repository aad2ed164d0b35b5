"""What keeps entries out, and what there is already: what a new trade has to pass whatever its own numbers are."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot.domain.adoption import OPEN_QUESTIONS
from bot.domain.breaker import BreakerState
from bot.domain.instruments import Right
from bot.domain.order import MOST_ATTEMPTS, Order
from bot.domain.position import CloseReason
from bot.domain.signal import SIGNAL, Signal, SignalState
from bot.domain.strategy_switch import StrategySwitch, SwitchState
from bot.domain.symbol_halt import SymbolState
from bot.risk.correlation import Bet, bet_on

if TYPE_CHECKING:
    from bot.engine.state.ledger import Ledger

_ALLOWED = frozenset({SignalState.APPROVED, SignalState.WORKING})


@dataclass(frozen=True, slots=True)
class KeptOff:
    """Why no entry on a symbol passes: a code, what becomes of them, the reason in words."""

    code: str
    symbol: str
    what: str
    reason: str

    @property
    def words(self) -> str:
        return f"entries on {self.symbol} {self.what}: {self.reason}"


class Exposure:
    """How many trades are on, in all, by direction and by symbol."""

    def __init__(self) -> None:
        self.total = 0
        self.calls = 0
        self.puts = 0
        self._by_symbol: dict[str, int] = defaultdict(int)

    def add(self, symbol: str, right: Right) -> None:
        self.total += 1
        self._by_symbol[symbol] += 1
        if right is Right.CALL:
            self.calls += 1
        else:
            self.puts += 1

    def on(self, symbol: str) -> int:
        return self._by_symbol[symbol]


class Entering:
    """Asks the ledger; its own is what keeps entries out and is no entity: `breakers_fault`, while the circuit breakers
    cannot be read, and `disk_block`, while the disk of the store has no room; both in words, empty: it does not."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.breakers_fault = ""
        self.disk_block = ""

    @property
    def blocks(self) -> tuple[str, ...]:
        """Return in words every tripped breaker, that they cannot be read, and what is wrong with the machine's clock:
        while there is one, no entry passes."""
        clocks = self._ledger.clocks
        others = (self.breakers_fault, self.disk_block, clocks.why_blocked, clocks.difference)
        tripped = [b for b in self._ledger.breakers.values() if b.state is BreakerState.TRIPPED]
        if not (tripped or any(others)):
            return ()
        return (*filter(None, others), *(f"{b.id} {b.value} against {b.limit}" for b in tripped))

    @property
    def halted_symbols(self) -> dict[str, str]:
        """Return the symbols on which no entry is allowed now, and why."""
        return {halt.id: halt.reason for halt in self._ledger.symbol_halts.values() if halt.state is SymbolState.HALTED}

    def switch(self, strategy: str) -> SwitchState:
        """Return whether a strategy trades; one that nobody switched is on."""
        kept = self._ledger.entities.of(StrategySwitch).get(strategy)
        return kept.state if kept is not None else SwitchState.ON

    def kept_off(self, symbol: str) -> KeptOff | None:
        """Return what keeps entries off a symbol, whatever their terms: proposed, approved, on their way or working.
        None: nothing."""
        if reason := self.halted_symbols.get(symbol):
            return KeptOff("symbol_halted", symbol, "are halted", reason)
        if asked := self._asked_about_on(symbol):
            return KeptOff("adoption_asked", symbol, "wait", asked)
        if delivered := self.delivered_on(symbol):
            return KeptOff("shares_delivered", symbol, "wait", delivered)
        return None

    def _asked_about_on(self, symbol: str) -> str:
        waiting = (a for a in self._ledger.adoptions.values() if a.symbol == symbol and a.state in OPEN_QUESTIONS)
        listed = "; ".join(adoption.words for adoption in waiting)
        return f"what is at the broker and not ours waits for a person (adopt): {listed}" if listed else ""

    def delivered_on(self, symbol: str) -> str:
        """Return in words what keeps entries on a symbol out while its delivered shares are there; empty: nothing."""
        there = self._ledger.tallies.delivered_on(symbol)
        taken = [str(p.contract) for p in there if p.close_reason is CloseReason.EXERCISED]
        return f"shares that {' and '.join(taken)} delivered are in the account: sell them by hand" if taken else ""

    def not_taken(self, symbol: str, now: datetime, wait: timedelta) -> str:
        """Return in words why entries on a symbol wait: the broker took none of three in a row; empty: they do not."""
        latest: list[Order] = []
        for order in self._ledger.tallies.entries_on(symbol):
            if now - order.created_at > wait * (MOST_ATTEMPTS + 1):
                break
            if not order.is_done:
                continue
            if not order.was_not_taken:
                break
            latest.append(order)
            if len(latest) == MOST_ATTEMPTS:
                break
        if len(latest) < MOST_ATTEMPTS or now - (latest[0].done_at or now) >= wait:
            return ""
        why = latest[0].reject_reason
        return f"entries on {symbol} wait: the broker did not take {len(latest)} in a row ({why})"

    def exposure(self, leaving_out: Signal | None = None) -> Exposure:
        """Count open positions and the signals that may still become one, but for one and what it has bought."""
        found, own = Exposure(), leaving_out.position_id if leaving_out is not None else None
        for position in self._ledger.positions.values():
            if position.id == own:
                continue
            found.add(position.contract.symbol, position.contract.right)
        for signal in self._ledger.signals.values():
            if signal is leaving_out or signal.state in SIGNAL.terminal or signal.position_id in self._ledger.positions:
                continue
            found.add(signal.symbol, signal.contract.right)
        return found

    def bets(self, before: Signal) -> tuple[Bet, ...]:
        """Return what an entry is one bet with: open positions, and the entries on their way that were proposed before
        it or are already allowed. Of two in one tick the second counts the first, and not the other way round."""
        found = [bet_on(each.contract) for each in self._ledger.positions.values() if each.id != before.position_id]
        is_earlier = before.id in self._ledger.signals
        for signal in self._ledger.signals.values():
            if signal.id == before.id:
                is_earlier = False
                continue
            on_its_way = signal.state not in SIGNAL.terminal and signal.position_id not in self._ledger.positions
            if on_its_way and (is_earlier or signal.state in _ALLOWED):
                found.append(bet_on(signal.contract))
        return tuple(found)
