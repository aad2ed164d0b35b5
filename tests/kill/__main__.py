"""`python -m tests.kill 100 [--seed 1]`: kill the real process a hundred times; exit code 1 when any promise broke."""

from __future__ import annotations

import argparse
import signal
import statistics
import sys
import time

from tests.kill.campaign import Campaign, Report


def rows(report: Report) -> list[tuple[str, str]]:
    """Return the figures of a campaign, each with its words."""
    bare = report.bare_seconds
    return [
        ("kills", f"{report.killed} ({', '.join(f'{n} {how}' for how, n in sorted(report.kills.items()))})"),
        ("venue traded", f"{report.orders} orders, {report.executions} executions, {report.contracts} contracts"),
        *((kind, str(len(words))) for kind, words in report.found.items()),
        ("broken promises in all", str(len(report.violations))),
        ("start to reconciled", _spread(report.reconciled_after)),
        ("its processor time", _spread(report.cpu_until_reconciled)),
        ("reconciled to the books agreeing", _spread(report.agreed_after)),
        ("SIGTERM to exit", _spread(report.stopped_after)),
        ("unprotected while the bot was dead", f"{bare.get('dead', 0):.1f} contract-seconds (wall)"),
        ("unprotected from start to reconciled", f"{bare.get('starting', 0):.1f} contract-seconds (wall)"),
        ("unprotected while it ran", f"{bare.get('running', 0):.1f} contract-seconds (wall)"),
        ("longest stretch without a stop while it ran", f"{report.longest_bare:.2f} s (wall)"),
    ]


def _spread(seconds: list[float]) -> str:
    if not seconds:
        return "never"
    return f"median {statistics.median(seconds):.2f} s, longest {max(seconds):.2f} s, of {len(seconds)}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.kill", description=__doc__)
    parser.add_argument("kills", type=int, nargs="?", default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--speed", type=float, default=20.0, help="of the venue's clock")
    parser.add_argument("--keep", action="store_true", help="keep stores, books and logs")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # venue and bot are ended on the way out
    began = time.monotonic()
    report = Campaign(asked.kills, asked.seed, asked.speed, print, keep=asked.keep).run()
    print()
    for name, words in rows(report):
        print(f"{name:<44}  {words}")
    print(f"{'took':<44}  {time.monotonic() - began:.0f} s")
    for words in report.violations:
        print(f"BROKEN {words}")
    if report.violations:
        print(f"again: python -m tests.kill {asked.kills} --seed {asked.seed} --speed {asked.speed:g} --keep")
    return 1 if report.violations else 0


if __name__ == "__main__":
    sys.exit(main())
