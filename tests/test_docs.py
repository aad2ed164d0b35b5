"""What the documents name is there: files, links, functions; and the README is short."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from bot.cli.main import app
from bot.domain.lifecycles import LIFECYCLES
from bot.store.tables import METADATA

ROOT = Path(__file__).parents[1]
DOCS = sorted((ROOT / "docs").glob("*.md"))


@pytest.mark.parametrize("page", [ROOT / "README.md", *DOCS], ids=lambda page: page.name)
def test_every_link_and_every_file_that_a_page_names_is_there(page: Path) -> None:
    text = page.read_text()
    links = [each for each in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text) if "://" not in each]
    named = re.findall(r"`((?:bot|tests|config|migrations|docs|benchmarks)/[\w./-]*?\w\.(?:py|yaml|md))`", text)
    missing = [link for link in links if not (page.parent / link).exists()]
    missing += [name for name in named if not (ROOT / name).exists()]
    assert not missing


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_every_function_that_a_page_names_is_in_the_file_that_it_names(page: Path) -> None:
    """`file.py` `name()` or `file.py: name`: the name is defined in that file."""
    wrong = [
        f"{file}: {name}" for file, name in re.findall(r"`(bot/[\w/]+\.py): ([\w.]+)`", page.read_text())
        if not re.search(
            rf"(?:def|class) {name.rpartition('.')[2]}\b|^{name}\b", (ROOT / file).read_text(), re.MULTILINE
        )
    ]  # fmt: skip
    assert not wrong


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150


def test_the_table_of_commands_has_every_command() -> None:
    cells = [line.split("|")[1] for line in (ROOT / "README.md").read_text().splitlines() if "`python run.py " in line]
    named = set(re.findall(r"(?:`|run\.py \[?)([a-z][a-z-]*)", " ".join(cells)))
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert set(commands) - named == set()


def test_the_audit_page_names_every_table() -> None:
    section = (ROOT / "docs" / "audit.md").read_text().partition("## Tables, and what a number in them means")[2]
    missing = [name for name in METADATA.tables if f"`{name}`" not in section.partition("\n## ")[0]]
    assert missing == [], "a new table needs its words in the table of docs/audit.md"


def test_the_architecture_names_every_lifecycle() -> None:
    words = " ".join((ROOT / "docs" / "architecture.md").read_text().split()).lower()
    listed = words[words.index("**the lifecycles.**") :].partition(" are tables")[0]
    assert [name for name in LIFECYCLES if name.replace("_", " ") not in listed] == []
