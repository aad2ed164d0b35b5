"""`python -m tests.people NAME`: the whole program with its people, by a campaign that takes minutes.

| name | what |
|---|---|
| `silence` | Telegram in every trouble, beside a run without it |
| `kills` | the people's process and the bot killed between a press and its answer (`--count`) |
| `burst` | 500 alerts in 10 s |
| `presses` | how long a press takes to become a transition |
| `attempts` | a thousand attempts of a stranger |
| `memory` | what the people's process takes in a whole day |
| `asked` | a day steered from the inbox's page alone (`--speed`) |
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.people.asked import asked
from tests.people.burst import attempts, burst, presses
from tests.people.kills import kills
from tests.people.memory import memory
from tests.people.silence import silence


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.people", description=__doc__)
    parser.add_argument("name", choices=("silence", "kills", "burst", "presses", "attempts", "memory", "asked"))
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--speed", type=float, default=0)
    parser.add_argument("--only", default="")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix=f"people-{given.name}-") as folder:
        at = Path(folder)
        campaigns = {
            "silence": lambda: silence(at, given.only),
            "kills": lambda: kills(at, given.count, given.seed),
            "burst": lambda: burst(at),
            "presses": lambda: presses(at),
            "attempts": lambda: attempts(at),
            "memory": lambda: memory(at, given.speed or 120),
            "asked": lambda: asked(at, given.speed or 2),
        }
        try:
            rows = campaigns[given.name]()
        except AssertionError as error:
            log = "".join(path.read_text(errors="replace")[-3000:] for path in at.rglob("log.txt"))
            print(f"FAILED: {error}\n{log}", file=sys.stderr)
            return 1
    width = max(len(name) for name, _ in rows)
    print("\n".join(f"{name:<{width}}  {words}" for name, words in rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
