"""Run the benchmarks: all of them, or those named. Each figure stands beside a bare reference of the same run."""

from __future__ import annotations

import argparse
import importlib
import sys

from rich.console import Console
from rich.table import Table

NAMES = {
    "ticks": "a tick with a thousand live positions, one quote changed and all of them",
    "store": "durable, audited transitions a second",
    "latency": "from a quote's bytes in to an order's bytes out, a durable commit between",
    "ingest": "5,000 quotes a second over the socket for a minute, a hundred lines and order books",
    "replay": "a session of 187,200 quotes through the whole loop, the store on disk",
    "recorded": "the same session read from a recording, beside reading and dispatching it alone",
    "page": "each page on a store with 500,000 transitions and 4,000 positions; files in constant memory",
    "memory": "bot and page after a whole simulated day",
}


def main(arguments: list[str]) -> int:
    names = _parser().parse_args(arguments).names
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


def _parser() -> argparse.ArgumentParser:
    listed = "\n".join(f"  {name:<8} {what}" for name, what in NAMES.items())
    parser = argparse.ArgumentParser(
        "python -m benchmarks", description=__doc__, epilog=f"benchmarks:\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("names", nargs="*", type=_known, metavar="NAME", help="all of them unless named")
    return parser


def _known(name: str) -> str:
    if name not in NAMES:
        raise argparse.ArgumentTypeError(f"unknown benchmark {name}; there are {', '.join(NAMES)}")
    return name


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
