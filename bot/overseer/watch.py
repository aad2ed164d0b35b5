"""The watch: what the rules find is told when it begins, when it is graver than it was, and when it is over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.domain.notices import notice_of
from bot.domain.overseer import OverseerFinding, graver
from bot.overseer.telling import Teller, alert


@dataclass(frozen=True, slots=True)
class News:
    """What changed with one look. `begun` are new findings, `lasting` all that there are."""

    begun: Sequence[OverseerFinding]
    lasting: Sequence[OverseerFinding]
    over: Sequence[OverseerFinding]


class Watch:
    """Remembers what it told; each thing begins and ends once, whatever happens between two looks."""

    def __init__(self, teller: Teller) -> None:
        self._teller = teller
        self._told: dict[tuple[str, str], OverseerFinding] = {}

    @property
    def told(self) -> Sequence[OverseerFinding]:
        """Return what lasts, each with the severity at which it was told."""
        return tuple(self._told.values())

    async def look(self, found: Sequence[OverseerFinding]) -> News:
        """Take the findings of one look and tell what is new of them."""
        now = {finding.key: finding for finding in found}
        begun = [finding for key, finding in now.items() if key not in self._told]
        over = [finding for key, finding in self._told.items() if key not in now]
        for finding in begun:
            entity, facts = finding.entity, finding.facts
            await alert(finding.code, finding.words, self._teller, entity=entity, facts=facts)
            self._told[finding.key] = finding
        for finding in over:
            words = f"over: {finding.words}"
            facts = {"code": finding.code}
            await alert("OVERSEER_OVER", words, self._teller, entity=finding.entity, facts=facts)
            del self._told[finding.key]
        return News(begun, tuple(self._told.values()), over)

    async def raise_to(self, finding: OverseerFinding, severity: str) -> OverseerFinding:
        """Tell a finding again where somebody takes it for graver; return it as it is told now. Never lowers it."""
        told = self._told.get(finding.key)
        if told is None:
            return finding
        wanted = graver(told.severity, severity)
        if wanted not in notice_of(told.code).severities:
            return told
        if wanted != told.severity:
            entity, facts = told.entity, told.facts
            await alert(told.code, told.words, self._teller, entity=entity, facts=facts, severity=wanted)
            self._told[told.key] = replace(told, severity=wanted)
        return self._told[finding.key]
