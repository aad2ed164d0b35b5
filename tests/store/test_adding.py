"""The lists of docs/adding.md for a column and for a machine, replayed on a copy of the program.

Exactly the files that a list names are written; then the copy must keep the new thing: row, way back, upsert, what is
alive, batch, journal, ledger, migrations, counts and invariants.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bot.store.revision import head_revision
from tests.patience import PATIENCE_S

ROOT = Path(__file__).resolve().parents[2]
UMBRELLA = '''"""Something that has a life, kept by the bot."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypedDict

from bot.domain.machine import Lifecycle, Living, living


class UmbrellaState(StrEnum):
    FOLDED = "folded"
    OPEN = "open"
    LOST = "lost"


class UmbrellaTrigger(StrEnum):
    RAIN = "rain"
    FORGET = "forget"


S, T = UmbrellaState, UmbrellaTrigger

UMBRELLA: Final = Lifecycle(
    name="umbrella",
    states=UmbrellaState,
    triggers=UmbrellaTrigger,
    table=MappingProxyType({(S.FOLDED, T.RAIN): S.OPEN, (S.OPEN, T.FORGET): S.LOST}),
    terminal=frozenset({S.LOST}),
    notes=MappingProxyType({S.FOLDED: "carried", S.OPEN: "held up", S.LOST: "left somewhere"}),
)


class UmbrellaChange(TypedDict, total=False):
    opened_at: datetime | None


@living
class Umbrella(Living[UmbrellaTrigger, UmbrellaChange]):
    id: str
    state: UmbrellaState = UmbrellaState.FOLDED
    price: Decimal = Decimal(0)
    opened_at: datetime | None = None
'''
TABLE = '''"""Umbrellas."""

from typing import Final

from bot.domain.umbrella import Umbrella, UmbrellaState
from bot.store.fields import key, money, utc, word
from bot.store.stored import Stored

UMBRELLAS: Final = Stored(
    Umbrella,
    "umbrella",
    key(),
    word("state", UmbrellaState),
    money("price", "what it was bought for"),
    utc("opened_at", maybe=True),
    comment="what keeps the rain off",
)
UMBRELLA: Final = UMBRELLAS.table
'''
REVISION = '''"""More to keep."""

import sqlalchemy as sa
from alembic import op

revision: str = "{new}"
down_revision: str | None = "{old}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    {up}


def downgrade() -> None:
    {down}
'''
MACHINE_UP = """op.create_table(
        "umbrella",
        sa.Column("id", sa.String(64), nullable=False, comment="ULID"),
        sa.Column("state", sa.String(128), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False, comment="what it was bought for"),
        sa.Column("opened_at", sa.String(32), nullable=True),
        sa.CheckConstraint("\\"state\\" IN ('folded', 'open', 'lost')", name=op.f("ck_umbrella_state_word")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_umbrella")),
        comment="what keeps the rain off",
    )"""
COLUMN_UP = """op.add_column(
        "position", sa.Column("remark", sa.String(128), nullable=True, comment="what a person noted")
    )"""
SAME_SCHEMA = """
import asyncio, sys
from datetime import datetime, timedelta, UTC
from decimal import Decimal
from pathlib import Path
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from bot.engine.state.journal import Journal
from bot.engine.state.ledger import Ledger
from bot.engine.state.steps import Birth, Step
from bot.store.database import open_reader
from bot.store.invariants import check_invariants
from bot.store.read import state_counts
from bot.store.revision import downgrade, upgrade
from bot.store.sql_store import SqlStore
from bot.store.tables import METADATA
from tests.store.builders import NOW, FixedClock, a_batch, a_position, those

url = f"sqlite+aiosqlite:///{sys.argv[1]}"
upgrade(url); downgrade(url); upgrade(url)
with open_reader(url) as connection:
    context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
    assert compare_metadata(context, METADATA) == []
"""
KEEPS_AN_UMBRELLA = """
from bot.domain.lifecycles import LIFECYCLES
from bot.domain.umbrella import Umbrella, UmbrellaState, UmbrellaTrigger


async def live() -> None:
    store = SqlStore(url, FixedClock())
    await store.open()
    ledger = Ledger(await store.load())
    journal = Journal(ledger, 1, NOW)
    mine = Umbrella("u1", price=Decimal("19.99"))
    journal.born(Birth(mine, "clouds"))
    assert journal.take(Step(mine, UmbrellaTrigger.RAIN, "it rains", sets={"opened_at": NOW}))
    journal.born(Birth(Umbrella("u2"), "a second one"))
    assert ledger.entities.of(Umbrella)["u1"] is mine and journal.urgent
    await store.commit(journal.batch)
    ledger = Ledger(await store.load())
    found = ledger.entities.of(Umbrella)
    assert found == {"u1": mine, "u2": Umbrella("u2")}, found
    journal = Journal(ledger, 2, NOW)
    assert journal.take(Step(found["u1"], UmbrellaTrigger.FORGET, "on a train"))
    assert not journal.take(Step(found["u2"], UmbrellaTrigger.FORGET, "it is folded"))
    await store.commit(journal.batch)
    assert list((await store.load()).entities.of(Umbrella)) == ["u2"], "what is over is not loaded"
    await store.close()

asyncio.run(live())
assert "umbrella" in LIFECYCLES
with open_reader(url) as connection:
    assert state_counts(connection)["umbrella"] == {"lost": 1, "folded": 1}
def first() -> object:
    return next(each for each in check_invariants(url) if each.invariant == "I1")
assert first().ok, first()
import sqlite3
with sqlite3.connect(sys.argv[1]) as connection:
    connection.execute("UPDATE umbrella SET state = 'open' WHERE id = 'u2'")
assert not first().ok, "a state that no transition led to"
"""
KEEPS_A_REMARK = """
async def live() -> None:
    store = SqlStore(url, FixedClock())
    await store.commit(a_batch(1, changed=those(a_position(remark="bought on a rumour"), a_position(number=51))))
    found = (await store.load()).entities.of(type(a_position()))
    assert [each.remark for each in found.values()] == ["bought on a rumour", None]
    await store.close()

asyncio.run(live())
"""


class Copy:
    """A copy of what a newcomer would edit; `touched` are the files written since."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.touched: set[str] = set()
        for folder in ("bot", "migrations", "tests"):
            ignored = shutil.ignore_patterns("__pycache__", "web", "sim", "faults", "broker", "feeds", "app")
            shutil.copytree(ROOT / folder, root / folder, ignore=ignored)
        shutil.copy(ROOT / "alembic.ini", root)

    def write(self, path: str, text: str) -> None:
        (self.root / path).write_text(text)
        self.touched.add(path)

    def after(self, path: str, line: str, more: str) -> None:
        before, found, rest = (self.root / path).read_text().partition(line)
        assert found, f"{path} has no {line!r}"
        self.write(path, f"{before}{found}{more}{rest}")

    def migrate(self, up: str, down: str) -> None:
        old = head_revision()
        new = f"{int(old) + 1:04}"
        self.write(f"migrations/versions/{new}_more.py", REVISION.format(new=new, old=old, up=up, down=down))

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        (self.root / "newcomer.py").write_text(script)
        command = [sys.executable, "newcomer.py", str(self.root / "store.db")]
        return subprocess.run(command, cwd=self.root, capture_output=True, text=True, timeout=PATIENCE_S, check=False)


def listed(heading: str) -> set[str]:
    """Return the files of the program that a list of docs/adding.md says must be touched."""
    text = (ROOT / "docs" / "adding.md").read_text().partition(f"## {heading}\n")[2].partition("\n## ")[0]
    items = [item for item in re.findall(r"^- \[ \] (.*)$", text, re.MULTILINE) if " only when " not in item]
    return {path for item in items for path in re.findall(r"`((?:bot|migrations)/[^`]*)`", item)}


def generic(touched: set[str], own: str, model: str) -> set[str]:
    return {re.sub(r"versions/.*", "versions/", path).replace(own, model) for path in touched}


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path)


def test_a_machine_is_its_module_its_row_its_table_and_one_migration(copy: Copy) -> None:
    copy.write("bot/domain/umbrella.py", UMBRELLA)
    copy.after("bot/domain/kinds.py", "from bot.domain.symbol_halt import SYMBOL_HALT, SymbolHalt\n",
               "from bot.domain.umbrella import UMBRELLA, Umbrella\n")  # fmt: skip
    copy.after("bot/domain/kinds.py", "    Kind(Adoption, ADOPTION),\n", "    Kind(Umbrella, UMBRELLA),\n")
    copy.write("bot/store/tables/umbrella.py", TABLE)
    copy.migrate(MACHINE_UP, 'op.drop_table("umbrella")')
    ran = copy.run(SAME_SCHEMA + KEEPS_AN_UMBRELLA)
    assert ran.returncode == 0, ran.stderr
    assert generic(copy.touched, "umbrella", "adoption") == listed("A machine")


def test_a_column_is_its_field_its_line_and_one_migration(copy: Copy) -> None:
    more = "    remark: str | None = None\n"
    copy.after("bot/domain/position.py", "    ratcheted_at: datetime | None = None\n", more)
    forgot = copy.run(SAME_SCHEMA)
    assert "Position.remark has no column: a restart would forget it" in forgot.stderr
    copy.after("bot/store/tables/position.py", '    utc("ratcheted_at", maybe=True),\n',
               '    label("remark", "what a person noted", maybe=True),\n')  # fmt: skip
    copy.migrate(COLUMN_UP, 'op.drop_column("position", "remark")')
    ran = copy.run(SAME_SCHEMA + KEEPS_A_REMARK)
    assert ran.returncode == 0, ran.stderr
    assert generic(copy.touched, "", "") == listed("A column")
