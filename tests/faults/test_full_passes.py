"""A tick passes over what cannot have changed: such a day leaves the rows of a day of ticks that look at everything."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from operator import attrgetter

import pytest

from bot.engine.state.fact_faults import FactFaults, Savepoint
from bot.engine.state.fact_name import FactName
from bot.engine.state.journal import Journal
from tests.faults.__main__ import play
from tests.faults.plan import Plan


@pytest.mark.parametrize("seed", [3, 11])
def test_a_day_leaves_the_rows_of_a_day_of_full_passes(seed: int) -> None:
    assert play(Plan.of(seed), twice=True).broken == []


def test_every_fact_of_a_day_can_be_taken_back_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every sixth report of an order, an execution or a commission is applied, taken back, and applied again."""
    apply, taken_back, seen = FactFaults.apply, Counter[str](), Counter[str]()

    def twice(self: FactFaults, journal: Journal, name: FactName, key: str, fact: Callable[[], object]) -> bool:
        kind = name.subject
        seen[kind] += 1
        if kind in {"order", "execution", "commission"} and seen[kind] % 6 == 1:
            before, save = picture(journal), Savepoint(journal.ledger, journal)
            with suppress(Exception):  # the day is one on which facts may raise
                fact()
            changed = picture(journal) != before
            save.restore()
            save.close()
            assert picture(journal) == before, name
            taken_back[kind] += changed
        return apply(self, journal, name, key, fact)

    monkeypatch.setattr(FactFaults, "apply", twice)
    assert play(Plan.of(3)).broken == []
    assert min(taken_back[kind] for kind in ("order", "execution", "commission")) > 0


def picture(journal: Journal) -> dict[str, object]:
    """Return all that a fact may change, in words, in its order."""
    ledger, batch = journal.ledger, journal.batch
    tables = ("orders", "positions", "closed", "signals", "signal_index.over", "signal_index.last_at", "symbol_halts",
              "fills.executions", "fills.commissions", "fills.charged", "fills.earliest", "order_index.open",
              "position_index.too_large")  # fmt: skip
    found: dict[str, object] = {name: repr(list(attrgetter(name)(ledger).items())) for name in tables}
    indexes = [f"order_index.{name}" for name in ("by_ref", "by_perm", "_of_position", "_of_signal", "_live_on")]
    for name in (*indexes, "position_index.by_key"):
        found[name] = {key: repr(value) for key, value in attrgetter(name)(ledger).items() if value}
    found["proof"] = repr((ledger.proof.told, ledger.proof.capped, sorted(ledger.proof.doubted)))
    found["unseen"], found["entities"] = sorted(ledger.tallies.unseen), repr(list(ledger.entities))
    found["batch"] = repr((list(batch.changed), batch.transitions, batch.alerts, batch.executions, batch.commissions))
    found["journal"] = repr((journal.instructions, sorted(journal.touched), ledger.highest_order_id))
    return found
