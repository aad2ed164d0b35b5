"""`python -m tests.faults 2000`: so many days with faults and deaths, each checked against the venue's own book."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

from bot.sim.faults.catalogue import in_words
from tests.faults.breaks import BREAKS, broken
from tests.faults.day import live_day, live_twice
from tests.faults.plan import Outcome, Plan
from tests.faults.provocations import PROVOKED_BY

_TELL_EVERY = 200
_PARTS = ("faults", "crashes", "requests", "outages")


def play(plan: Plan, name: str | None = None, *, twice: bool = False) -> Outcome:
    """Play one plan; an error of the program itself is a broken promise too. `twice`: once more with ticks that pass
    nothing over, and the two are compared row by row."""
    with broken(name):
        try:
            return asyncio.run(live_twice(plan) if twice else live_day(plan))
        except Exception as error:  # whatever it is, the seed must be named and the others played
            return Outcome(plan.seed, [f"{type(error).__name__}: {error}"])


def play_seed(seed: int, name: str | None, *, twice: bool = False) -> Outcome:
    return play(Plan.of(seed), name, twice=twice)


def shrink(plan: Plan, still_breaks: Callable[[Plan], bool]) -> Plan:
    """Take faults, deaths and requests away, one at a time, as long as something still breaks."""
    smaller = True
    while smaller:
        smaller = False
        for less in _smaller(plan):
            if still_breaks(less):
                plan, smaller = less, True
                break
    return plan


def _smaller(plan: Plan) -> Iterator[Plan]:
    for kind in _PARTS:
        items = getattr(plan, kind)
        for number in range(len(items)):
            yield replace(plan, **{kind: items[:number] + items[number + 1 :]})


def command_of(plan: Plan, name: str | None, *, twice: bool = False) -> str:
    """Return the command that plays exactly this plan."""
    whole = Plan.of(plan.seed)
    words = [f"python -m tests.faults --only {plan.seed}"]
    for option in _PARTS:
        kept, every = getattr(plan, option), getattr(whole, option)
        if kept != every:
            words.append(f"--{option} {','.join(str(every.index(each)) for each in kept) or 'none'}")
    return " ".join([*words, *([f"--break {name}"] if name else []), *(["--twice"] if twice else [])])


def explain(plan: Plan, outcome: Outcome, name: str | None, *, twice: bool = False) -> str:
    """Return what broke, by what, and how to see it again."""
    least = shrink(plan, lambda less: bool(play(less, name, twice=twice).broken))
    words = play(least, name, twice=twice).broken or outcome.broken
    lines = [f"seed {plan.seed} FAILED", *(f"  {each}" for each in words[:6])]
    lines += [f"  fault: {in_words(fault)}" for fault in least.faults]
    lines += [f"  death: {crash}" for crash in least.crashes]
    lines += [f"  request: {request}" for request in least.requests]
    lines += [f"  outage: {outage}" for outage in least.outages]
    lines += [f"  setting: {least.setting}"]
    return "\n".join([*lines, f"  again: {command_of(least, name, twice=twice)}"])


def _chosen(text: str | None, items: tuple[object, ...]) -> tuple[object, ...]:
    if text is None:
        return items
    return () if text == "none" else tuple(items[int(number)] for number in text.split(","))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("days", nargs="?", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--break", dest="name", choices=sorted(BREAKS), help="break the protocol: this must be caught")
    parser.add_argument("--provoke", choices=sorted(PROVOKED_BY), help="break the protocol where it is sure to tell")
    parser.add_argument("--only", type=int, help="play one seed and say what happens")
    parser.add_argument("--faults", help="with --only: the numbers of the faults to keep, or none")
    parser.add_argument("--crashes", help="with --only: the numbers of the deaths to keep, or none")
    parser.add_argument("--requests", help="with --only: the numbers of people's requests to keep, or none")
    parser.add_argument("--outages", help="with --only: the numbers of the store's outages to keep, or none")
    parser.add_argument("--twice", action="store_true", help="compare each day, row by row, with one of full passes")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--explain", type=int, default=5, help="how many failures are shrunk and explained")
    return parser.parse_args()


def provoke(name: str) -> int:
    """Play the days that are made for a break, with it and without; it has to be found in one of them, by itself."""
    for plan in PROVOKED_BY[name].days():
        found, sound = play(plan, name).broken, play(plan).broken
        print(f"market {plan.seed}: {len(found)} promises broken by {name}, {len(sound)} without it")
        print("\n".join(f"  {each}" for each in (sound or found)[:3]))
        if found or sound:
            return int(bool(sound))
    return 1


def play_one(arguments: argparse.Namespace) -> int:
    whole = Plan.of(arguments.only)
    parts: dict[str, Any] = {part: _chosen(getattr(arguments, part), getattr(whole, part)) for part in _PARTS}
    plan = replace(whole, **parts)
    outcome = play(plan, arguments.name, twice=arguments.twice)
    for fault in plan.faults:
        print(f"fault: {in_words(fault)}")
    for crash in plan.crashes:
        print(f"death: {crash}")
    for request in plan.requests:
        print(f"request: {request}")
    for outage in plan.outages:
        print(f"outage: {outage}")
    print(f"setting: {plan.setting}")
    print(f"died: {', '.join(outcome.deaths) or 'never'}; {outcome.orders} orders, {outcome.fills} fills")
    print("\n".join(outcome.broken) or "every promise was kept")
    return int(bool(outcome.broken))


def play_many(arguments: argparse.Namespace) -> int:
    seeds = range(arguments.seed, arguments.seed + arguments.days)
    began, outcomes = time.monotonic(), list[Outcome]()
    with ProcessPoolExecutor(arguments.jobs) as pool:
        for outcome in pool.map(partial(play_seed, name=arguments.name, twice=arguments.twice), seeds, chunksize=4):
            outcomes.append(outcome)
            if len(outcomes) % _TELL_EVERY == 0:
                print(f"{len(outcomes)} days, {sum(bool(each.broken) for each in outcomes)} failed", flush=True)
            if outcome.broken:
                print(f"seed {outcome.seed}: {outcome.broken[0]}", flush=True)
    failed = [outcome for outcome in outcomes if outcome.broken]
    for outcome in failed[: arguments.explain]:
        print(explain(Plan.of(outcome.seed), outcome, arguments.name, twice=arguments.twice), flush=True)
    print(summary(outcomes, time.monotonic() - began))
    if arguments.name is not None:
        print(f"--break {arguments.name}: caught by {len(failed)} of {len(outcomes)} seeds: "
              f"{', '.join(str(each.seed) for each in failed[:20])}")  # fmt: skip
        return int(not failed)
    return int(bool(failed))


def point_of(death: str) -> str:
    """Return the point at which a death struck."""
    return death.split(" at ", maxsplit=1)[0].removesuffix(" while starting")


def summary(outcomes: list[Outcome], seconds: float) -> str:
    words = [death for each in outcomes for death in each.deaths]
    deaths = Counter(point_of(death) for death in words)
    rate = len(outcomes) / seconds * 60
    answers: Counter[str] = sum((Counter(each.answers) for each in outcomes), Counter())
    outages = sum(bool(each.outages) for each in outcomes)
    breakers = Counter(name for each in outcomes for name in each.blocked)
    return "\n".join(
        [
            f"{len(outcomes)} days in {seconds:.0f} s ({rate:.0f} a minute), {sum(deaths.values())} deaths, "
            f"{sum(each.orders for each in outcomes)} orders, {sum(each.fills for each in outcomes)} fills",
            "deaths: " + _counted(deaths),
            "commands: " + _counted(answers),
            "days on which a breaker tripped: " + _counted(breakers),
            f"days on which the store could not be used: {outages}",
            f"failed: {sum(bool(each.broken) for each in outcomes)}",
        ]
    )


def _counted(what: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(what.items())) or "none"


def main() -> int:
    arguments = _arguments()
    if arguments.provoke is not None:
        return provoke(arguments.provoke)
    return play_one(arguments) if arguments.only is not None else play_many(arguments)


if __name__ == "__main__":
    sys.exit(main())
