"""What is found is told once when it begins, again when it is graver, and once when it is over."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.notices import SEVERITIES, WARNING
from bot.domain.overseer import OverseerFinding
from bot.overseer.watch import Watch

STALE = OverseerFinding("OVERSEER_DATA_STALE", "spot_gex:SPY", WARNING, "spot_gex of SPY is 95 s old", {"age_s": 95})
DOUBT = OverseerFinding("OVERSEER_ORDER_IN_DOUBT", "qty-1", WARNING, "entry order qty-1 is in doubt", {"age_s": 40})


class Told:
    """Keeps what was said; `fails`: the store does not take the next so many rows."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, Mapping[str, Any]]] = []
        self.fails = 0

    async def tell(self, kind: str, payload: Mapping[str, Any]) -> str:
        if self.fails:
            self.fails -= 1
            raise OSError("locked")
        self.rows.append((kind, payload))
        return f"row-{len(self.rows)}"

    @property
    def codes(self) -> list[tuple[str, str]]:
        return [(row["code"], row.get("severity", "")) for _, row in self.rows]


async def test_each_thing_begins_and_ends_once() -> None:
    told = Told()
    watch = Watch(told)
    for found in ([STALE], [replace(STALE, words="125 s old")], [STALE, DOUBT], [DOUBT], [], []):
        await watch.look(found)
    assert [code for code, _ in told.codes] == [
        "OVERSEER_DATA_STALE", "OVERSEER_ORDER_IN_DOUBT", "OVERSEER_OVER", "OVERSEER_OVER",
    ]  # fmt: skip


async def test_what_the_store_did_not_take_is_told_with_the_next_look() -> None:
    told = Told()
    watch = Watch(told)
    told.fails = 1
    with pytest.raises(OSError, match="locked"):
        await watch.look([STALE])
    await watch.look([STALE])
    assert told.codes == [("OVERSEER_DATA_STALE", "")]


@given(st.lists(st.sampled_from([*SEVERITIES, "mild", ""]), max_size=8))
def test_a_severity_is_raised_and_never_lowered(said: list[str]) -> None:
    async def run() -> None:
        told = Told()
        watch = Watch(told)
        await watch.look([STALE])
        known = [WARNING]
        for severity in said:
            now = await watch.raise_to(STALE, severity)
            known.append(now.severity)
        assert [SEVERITIES.index(each) for each in known] == sorted(SEVERITIES.index(each) for each in known)
        assert len(told.rows) == 1 + ("critical" in said)

    asyncio.run(run())
