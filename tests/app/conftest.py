"""What the tests of the whole program share."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from bot.clocks.calendar import XnysCalendar


@pytest.fixture(scope="session")
def calendar_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the trading calendar in it, which each program would compute anew."""
    folder = tmp_path_factory.mktemp("calendar")
    XnysCalendar.around(date(2026, 11, 20), folder)
    for table in folder.iterdir():
        table.chmod(0o600)  # as a program leaves it
    return folder
