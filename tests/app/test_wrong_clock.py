"""The program on a machine whose clock is an hour ahead of its broker's, and is then set right: real processes."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.app.test_running import ROOT, Program, program
from tests.patience import PATIENCE_S

__all__ = ["program"]

SPEED = "40"
# Simulated: it is followed after a minute, and right again some minutes later, when a busy machine has seen it too.
JUMP = {"kind": "clock_jump", "at": "09:26", "for_seconds": 480, "by_seconds": 3600}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


def test_a_program_that_lives_an_hour_ahead_says_so_and_begins_again_when_its_clock_is_set_right(
    program: Program, tmp_path: Path
) -> None:
    scenario = yaml.safe_load((ROOT / "config" / "scenarios" / "quiet_day.yaml").read_text())
    path = tmp_path / "wrong_clock.yaml"
    path.write_text(yaml.safe_dump(scenario | {"faults": [JUMP]}))
    process = program.start("--scenario", str(path), "--speed", SPEED, QUANTICITY__IBKR__PROBE_EVERY_S="0.3")
    wrong = "SELECT count(*) FROM alert WHERE code = 'CLOCK_WRONG'"
    program.wait_for(lambda: program.ask(wrong) == [(1,)])
    ((told,),) = program.ask("SELECT text FROM alert WHERE code = 'CLOCK_WRONG'")
    assert "ahead" in str(told)
    assert "timedatectl" in str(told)
    restarts = "SELECT count(*) FROM transition WHERE machine = 'session' AND \"trigger\" = 'restart'"
    program.wait_for(lambda: program.ask(restarts) == [(1,)])
    program.wait_for(lambda: program.ask("SELECT state FROM session_state") == [("active",)])
    program.wait_for(lambda: program.ask("SELECT clock_fault FROM engine_status") == [("",)])
    assert process.poll() is None, "it is the same process"
    stops = "SELECT reason FROM transition WHERE machine = 'session' AND \"trigger\" = 'stop'"
    assert program.ask(stops) == [("the machine's clock was set back to the broker's: the bot begins again",)]
    process.terminate()
    assert process.wait(PATIENCE_S) == 0
    assert program.run("audit", "invariants").returncode == 0
