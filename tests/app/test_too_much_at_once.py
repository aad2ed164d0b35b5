"""A vendor that answers with megabytes, beside the program as its user starts it: SIGTERM is heard all the same."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
import yaml

from bot.sim.scenario import SCENARIO_FOLDER
from tests.app.test_running import Program, program
from tests.patience import ends

__all__ = ["program"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

HEARD_WITHIN_S = 5.0  # of its own work
DATASET = "QUANTICITY__SOURCES__UNUSUAL_WHALES__ENDPOINTS__0__"
# Bounds as wide as they go; those that are shipped are met in tests/feeds/test_too_much.py.
WIDE_OPEN = {f"{DATASET}MAX_BODY_BYTES": "33554432", f"{DATASET}MAX_ROWS": "20000"}


def a_day_of(answer: str, folder: Path) -> Path:
    """Return the demo day on which the vendor never says anything else."""
    day = yaml.safe_load((SCENARIO_FOLDER / "demo.yaml").read_text(encoding="utf-8"))
    day["faults"] = [{"kind": "uw", "at": "09:25", "for_seconds": 24_000, "answer": answer}]
    path = folder / f"{answer}.yaml"
    path.write_text(yaml.safe_dump(day), encoding="utf-8")
    return path


@pytest.mark.parametrize("answer", ["field_20mb", "rows_31mb"])
def test_sigterm_is_heard_while_megabytes_arrive(program: Program, tmp_path: Path, answer: str) -> None:
    process = program.start("--scenario", str(a_day_of(answer, tmp_path)), "--speed", "30", **WIDE_OPEN)
    refused = "SELECT max(length(last_error)) FROM feed_status WHERE dataset = 'spot_gex' AND failures > 0"
    program.wait_for(lambda: bool(program.ask(refused)[0][0]))
    assert int(str(program.ask(refused)[0][0])) <= 200
    process.send_signal(signal.SIGTERM)
    code, worked_s = ends(process)
    assert code == 0, program.log.read_text()[-3000:]
    assert worked_s < HEARD_WITHIN_S
    assert program.store.stat().st_size < 10_000_000
    assert "Traceback" not in program.log.read_text()
