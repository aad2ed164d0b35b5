"""The invariants I1 to I12, checked on the store alone: by tests, by the simulator's fault runs and by the command
line.

I1 lifecycles   I2 counted once   I3 quantities   I4 protection   I5 never short
I6 entries only while active   I7 messages   I8 approvals   I9 realized P&L   I10 secrets
I11 the broker's rules   I12 the chain's evidence
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from bot.store.chain import BEGINNING, Head
from bot.store.database import open_reader
from bot.store.invariants.audiences import messages_in_time, nothing_secret, only_authorised_approve
from bot.store.invariants.broker_rules import within_broker_rules
from bot.store.invariants.evidence import chained_evidence
from bot.store.invariants.finding import Finding, Question
from bot.store.invariants.lifecycles import legal_chains
from bot.store.invariants.orders import counted_once, entries_while_active, never_short
from bot.store.invariants.positions import protected, quantities, realized

__all__ = ["CHECKS", "Finding", "check_invariants"]

CHECKS: Final[tuple[Callable[[Question], Finding], ...]] = (
    legal_chains,
    counted_once,
    quantities,
    protected,
    never_short,
    entries_while_active,
    messages_in_time,
    only_authorised_approve,
    realized,
    nothing_secret,
    within_broker_rules,
    chained_evidence,
)


def check_invariants(
    url: str,
    *,
    protection_limit_s: float = 2.0,
    wall_grace_s: float = 1.25,
    secrets: Sequence[str] = (),
    now: datetime | None = None,
    quote_max_age_s: float = 15.0,
    since: Head = BEGINNING,
) -> list[Finding]:
    """Return a finding for each invariant; an empty store holds all of them.

    `protection_limit_s` is the setting `execution.protection_limit_s`, `quote_max_age_s` that of `risk`; `secrets` are
    values that must not be in the store. `since` is a head up to which the chain was verified before
    (`bot.store.heads.last_verified`): only what came after it is walked again.
    """
    with open_reader(url) as connection:
        question = Question(connection, protection_limit_s, wall_grace_s, secrets, now, quote_max_age_s, since)
        return [check(question) for check in CHECKS]
