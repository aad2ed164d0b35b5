"""A campaign: the bot is killed again and again while its venue keeps trading, and after each restart both books are
compared.

How a round ends is drawn from the seed: during the start (before the books agree), at a random moment of trading, or
within 30 ms after a chosen kind of log line, which is when an order is between two of its steps.
"""

from __future__ import annotations

import random
import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bot.store.audit import verify_chain
from bot.store.invariants import check_invariants
from tests.kill.bot import Bot
from tests.kill.compare import KINDS, until_agreed
from tests.kill.venue import ROOT, ProtectionWatch, Venue

ROUNDS_A_VENUE = 25


@dataclass(frozen=True)
class Limits:
    """What is promised, in wall seconds of a machine with nothing else to do. `protected_s`: at a sped-up clock the two
    seconds of the promise are shorter than one answer."""

    active_s: float = 30.0
    agree_s: float = 5.0
    stop_s: float = 5.0
    protected_s: float = 2.0


AIMS = {
    word: re.compile(pattern)
    for word, pattern in {
        "intent": r"order .* intent \(created\)",
        "submitted": r"→ submitted \(submit\)",
        "acknowledged": r"→ working \(acknowledge\)",
        "filled": r"\(fill\):",
        "partly filled": r"→ partially_filled",
        "protected": r"\(protected\):",
        "make room": r"\(make_room\):",
        "amend": r"working \(amend\):",
        "sell rung": r"\(sell_rung\):",
        "ratchet": r"\(ratchet\):",
        "cancel": r"\(request_cancel\):",
        "closing": r"→ closing ",
    }.items()
}


@dataclass
class Report:
    """What a campaign found. `violations` is empty when every promise held."""

    seed: int
    kills: dict[str, int] = field(default_factory=dict)
    found: dict[str, list[str]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    violations: list[str] = field(default_factory=list)
    reconciled_after: list[float] = field(default_factory=list)
    cpu_until_reconciled: list[float] = field(default_factory=list)
    agreed_after: list[float] = field(default_factory=list)
    stopped_after: list[float] = field(default_factory=list)
    bare_seconds: dict[str, float] = field(default_factory=dict)
    longest_bare: float = 0.0
    orders: int = 0
    executions: int = 0
    contracts: int = 0

    @property
    def killed(self) -> int:
        return sum(self.kills.values())

    def count(self, how: str) -> None:
        self.kills[how] = self.kills.get(how, 0) + 1


class Campaign:
    """Runs `kills` rounds, 25 to a venue, each venue another day. `tell` gets a line a round."""

    def __init__(
        self,
        kills: int,
        seed: int,
        speed: float,
        tell: Callable[[str], None],
        *,
        limits: Limits = Limits(),
        keep: bool = False,
    ) -> None:
        self.report = Report(seed)
        self._kills, self._speed, self._tell, self._keep = kills, speed, tell, keep
        self._limits = limits
        self._random = random.Random(seed)
        self._bot: Bot | None = None

    def run(self) -> Report:
        """Go through all rounds, whatever they find."""
        venue_number = 0
        while self.report.killed < self._kills:
            directory = Path(tempfile.mkdtemp(prefix=f"kill-{self.report.seed}-{venue_number}-"))
            before = len(self.report.violations)
            self._one_venue(directory, self.report.seed * 1000 + venue_number)
            if self._keep or len(self.report.violations) > before:
                self._tell(f"kept: {directory}")
            else:
                shutil.rmtree(directory)
            venue_number += 1
        return self.report

    def _one_venue(self, directory: Path, seed: int) -> None:
        (directory / "config").mkdir()
        shutil.copy(ROOT / "config" / "data_sources.yaml", directory / "config")
        venue = Venue(directory, seed, self._speed)
        watch = ProtectionWatch(venue)
        watch.start()
        try:
            for _ in range(min(ROUNDS_A_VENUE, self._kills - self.report.killed)):
                self._one_round(directory, venue, watch)
            self._last_start(directory, venue, watch)
        finally:
            if self._bot is not None and self._bot.ended is None:
                self._bot.kill()
            self._take_up(watch)
            self._count(venue)
            venue.stop()

    # ---- rounds

    def _one_round(self, directory: Path, venue: Venue, watch: ProtectionWatch) -> None:
        dice = self._random
        number = self.report.killed + 1
        bot = self._start(directory, venue, watch)
        how, within_s = "while it starts", dice.uniform(0.3, 3.0)
        if dice.random() < 0.8:
            self._reconciled(bot, venue, directory, watch, number)
            how, within_s = self._aim(bot)
        bot.until(re.compile("(?!)"), within_s)
        watch.phase = "dead"
        if bot.ended is not None:
            self._broken(f"round {number}: the bot ended by itself with code {bot.ended}: {bot.lines[-1:]}")
        bot.kill()
        (directory / f"round-{number:03d}.log").write_text("\n".join(bot.lines), encoding="utf-8")
        self.report.count(how)
        after = f"{bot.active_after:.2f} s to reconciled" if bot.active_after else "not yet reconciled"
        self._tell(f"{number:>4}  killed {how:<24} {after}")

    def _start(self, directory: Path, venue: Venue, watch: ProtectionWatch) -> Bot:
        watch.phase = "starting"
        self._bot = Bot(directory, venue)
        return self._bot

    def _aim(self, bot: Bot) -> tuple[str, float]:
        """Choose the moment of death; wait for its line when it is one."""
        if self._random.random() < 0.35:
            return "at a random moment", self._random.uniform(0.0, 4.0)
        word = self._random.choice(sorted(AIMS))
        came = bot.until(AIMS[word], 6.0)
        return (f"at: {word}", self._random.uniform(0.0, 0.03)) if came else ("at a random moment", 0.0)

    def _reconciled(self, bot: Bot, venue: Venue, directory: Path, watch: ProtectionWatch, number: int) -> None:
        if not bot.until_active(self._limits.active_s):
            self._broken(f"round {number}: not active within {self._limits.active_s:g} s: {bot.lines[-1:]}")
            return
        watch.phase = "running"
        assert bot.active_after is not None
        self.report.reconciled_after.append(bot.active_after)
        self.report.cpu_until_reconciled.append(bot.cpu_s)
        found, waited = until_agreed(venue, directory / "bot.db", self._limits.agree_s)
        self.report.agreed_after.append(waited)
        for kind, words in found.found.items():
            self.report.found[kind] += words
            for each in words:
                self._broken(f"round {number}: {kind}: {each}")

    def _last_start(self, directory: Path, venue: Venue, watch: ProtectionWatch) -> None:
        """A start that is not killed: it agrees, stops in time, and its store holds every invariant."""
        bot = self._start(directory, venue, watch)
        self._reconciled(bot, venue, directory, watch, self.report.killed)
        bot.until(re.compile("(?!)"), 1.0)
        watch.phase = "dead"
        code, took = bot.terminate()
        (directory / "last.log").write_text("\n".join(bot.lines), encoding="utf-8")
        self.report.stopped_after.append(took)
        if code != 0 or took > self._limits.stop_s:
            self._broken(f"SIGTERM: exit code {code} after {took:.1f} s")
        self._tell(f"      stopped in {took:.2f} s")
        self._judge_store(directory)

    def _judge_store(self, directory: Path) -> None:
        url = f"sqlite+aiosqlite:///{directory / 'bot.db'}"
        checked = verify_chain(url)
        if not checked.ok:
            self._broken(f"the audit chain: {checked}")
        # The store counts the time for which the bot was dead as unprotected time; the watch at the venue does not.
        for finding in check_invariants(url, wall_grace_s=self._limits.active_s):
            if not finding.ok:
                self._broken(f"{finding.invariant}: {finding.detail}")

    # ---- figures

    def _take_up(self, watch: ProtectionWatch) -> None:
        bare = watch.stop()
        for phase, seconds in bare.seconds.items():
            self.report.bare_seconds[phase] = self.report.bare_seconds.get(phase, 0.0) + seconds
        self.report.longest_bare = max(self.report.longest_bare, bare.longest_running)
        if bare.longest_running > self._limits.protected_s:
            self._broken(f"a position was without a stop for {bare.longest_running:.1f} s of a running bot")

    def _count(self, venue: Venue) -> None:
        book = venue.book()
        self.report.orders += len(book.orders)
        self.report.executions += len(book.executions)
        self.report.contracts += sum(each["quantity"] for each in book.executions)

    def _broken(self, words: str) -> None:
        self.report.violations.append(words)
        self._tell(f"BROKEN {words}")
