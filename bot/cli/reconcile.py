"""`reconcile`: compare our book with the broker's now, and show what the broker has, what the store has, what was
done."""

from __future__ import annotations

from datetime import datetime
from time import sleep
from typing import TYPE_CHECKING

from bot.cli import show
from bot.cli.invocation import REFUSED, fail
from bot.cli.operator import POLL_S, Json, Wait, asked, look, store_url
from bot.domain.events.people import RequestKind

if TYPE_CHECKING:
    from bot.store.read.reconciliations import Comparison

COLUMNS = ("subject", "key", "broker", "store", "action")


def reconcile(wait: Wait = 20, json: Json = False) -> None:
    """Have the bot compare its book with the broker's and show the comparison; exit code 1 if none came."""
    from bot.domain.wording import new_york
    from bot.store.read.reconciliations import orders_that_agree

    row = asked(RequestKind.RECONCILE, {}, wait)
    if row.state != "done" or row.handled_at is None:
        fail(row.answer or f"no answer within {wait:g} s: it stays queued until it expires", REFUSED)
    found = _compared(row.handled_at, wait)
    if found is None:
        fail(f"the broker's book did not come whole within {wait:g} s; `status` says how the connection is", REFUSED)
    agreeing = look(store_url(), lambda connection: orders_that_agree(connection, found))
    lines = sorted([*found.lines, *agreeing], key=lambda line: line.subject)
    if json:
        show.as_json({"id": found.id, "at": found.at, "differences": found.differences, "lines": lines})
        return
    rows = [(line.subject, line.key, line.broker, line.store, line.action) for line in lines]
    show.as_table(
        COLUMNS, rows, f"compared at {new_york(found.at)}: {found.verdict}", "nothing is held and nothing is open"
    )


def _compared(since: datetime, wait: float) -> Comparison | None:
    """Return the first whole comparison after the command was taken up, None when the patience ends."""
    from bot.clocks.clock import SystemClock
    from bot.store.read.reconciliations import latest

    url, clock = store_url(), SystemClock()
    end = clock.monotonic() + wait
    while True:
        found: Comparison | None = look(url, lambda connection: latest(connection, since))
        if found is not None or clock.monotonic() >= end:
            return found
        sleep(POLL_S)
