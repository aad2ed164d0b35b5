"""The questions and the program that `docs/audit.md` prints run as printed, on the store of a trade to its close."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from pathlib import Path

from bot.store.sql_store import SqlStore
from tests.store import trade

AUDIT = (Path(__file__).parents[2] / "docs" / "audit.md").read_text()
QUESTIONS = re.findall(r"^(\d+)\. (.*?)\n\n\s+```sql\n(.*?)```", AUDIT, re.MULTILINE | re.DOTALL)
MUST_ANSWER = {1, 2, 3, 5, 6, 7, 8, 9, 11, 15, 20}
"""Questions that a store with one trade has an answer to."""


def test_there_are_twenty_questions() -> None:
    assert [int(number) for number, _, _ in QUESTIONS] == list(range(1, 21))


async def test_every_question_runs_as_printed(store: SqlStore, store_path: Path) -> None:
    await trade.write(store, [*trade.opening(), *trade.closing()])
    with sqlite3.connect(f"file:{store_path}?mode=ro", uri=True) as reader:
        answers = {int(number): reader.execute(sql).fetchall() for number, _, sql in QUESTIONS}
    assert {number for number, rows in answers.items() if rows} >= MUST_ANSWER


async def test_the_printed_program_checks_the_chain_and_finds_a_change(
    store: SqlStore, store_path: Path, tmp_path: Path
) -> None:
    await trade.write(store, [*trade.opening(), *trade.closing()])
    (program,) = re.findall(r"```python\n(.*?)```", AUDIT, re.DOTALL)
    with sqlite3.connect(f"file:{store_path}?mode=ro", uri=True) as reader, sqlite3.connect(tmp_path / "copy") as other:
        head = reader.execute("SELECT seq, hash FROM transition ORDER BY seq DESC LIMIT 1").fetchone()
        reader.backup(other)
        for (name,) in other.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            other.execute(f"DROP TRIGGER {name}")
        other.execute("UPDATE transition SET reason = 'another' WHERE seq = 7")
    assert _run(program, store_path) == (0, f"{head[0]} {head[1]}")
    assert _run(program, tmp_path / "copy") == (1, "row 7 is not what was written")


def _run(program: str, file: Path) -> tuple[int, str]:
    done = subprocess.run([sys.executable, "-c", program, str(file)], capture_output=True, text=True, check=False)
    return done.returncode, (done.stdout or done.stderr).strip()
