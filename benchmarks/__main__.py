"""Run the benchmarks: all of them, or those named (`store`, `latency`, `ticks`, `memory`)."""

from __future__ import annotations

import importlib
import sys

from rich.console import Console
from rich.table import Table

NAMES = ("store", "latency", "ticks", "memory")


def main(names: list[str]) -> int:
    unknown = set(names) - set(NAMES)
    if unknown:
        print(f"unknown benchmark {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}", file=sys.stderr)
        return 2
    table = Table("what", "figures", "measured", "aim", "met")
    for name in names or NAMES:
        print(f"measuring {name} ...", file=sys.stderr)
        for result in importlib.import_module(f"benchmarks.{name}").run():
            table.add_row(result.name, result.figures, result.measured, result.aim, "yes" if result.met else "no")
    Console(width=160).print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
