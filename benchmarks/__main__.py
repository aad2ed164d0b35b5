"""Run the benchmarks: all of them, or those named (`store`, `latency`, `ticks`, `memory`)."""

from __future__ import annotations

import importlib
import sys

from rich.console import Console
from rich.table import Table

NAMES = ("ticks", "store", "latency", "memory")


def main(names: list[str]) -> int:
    unknown = set(names) - set(NAMES)
    if unknown:
        print(f"unknown benchmark {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}", file=sys.stderr)
        return 2
    table = Table("what", "figures", "measured", "aim", "met")
    # All are imported before any runs: ib_insync asks for an event loop at its import, and a finished asyncio.run
    # leaves none.
    chosen = {name: importlib.import_module(f"benchmarks.{name}") for name in names or NAMES}
    for name, module in chosen.items():
        print(f"measuring {name} ...", file=sys.stderr)
        for result in module.run():
            table.add_row(result.name, result.figures, result.measured, result.aim, "yes" if result.met else "no")
    Console(width=160).print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
