"""The board of faults: which one meets a request, for how long, and by chance from a seed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from bot.sim.scenario import load_scenario
from bot.sim.services.book import Service
from bot.sim.services.faults import POLL, SPOKEN, UPDATES, Bend, FaultBoard, ServiceFault

TEN = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)


class Moment:
    """A simulated clock and a wall that a test moves."""

    def __init__(self) -> None:
        self.at, self.wall_s = TEN, 0.0

    def now(self) -> datetime:
        return self.at

    def wall(self) -> float:
        return self.wall_s


def fault(service: str = "telegram", bend: str = "hang", **more: Any) -> ServiceFault:
    return ServiceFault.model_validate(
        {"service": service, "fault": bend, **({"count": 1} if not more else {}), **more}
    )


def a_board(moment: Moment, *script: ServiceFault, seed: int = 0) -> FaultBoard:
    return FaultBoard(moment.now, moment.wall, script, seed)


def met(board: FaultBoard, method: str = "sendMessage", service: Service = Service.TELEGRAM, target: str = "") -> str:
    found = board.meet(service, method, target)
    return found.fault if found else ""


def test_a_count_is_used_up_and_a_time_is_over() -> None:
    moment = Moment()
    board = a_board(moment)
    board.switch_on(fault(count=2))
    assert [met(board) for _ in range(3)] == ["hang", "hang", ""]
    board.switch_on(fault(for_seconds=10))
    moment.wall_s = 9.9
    assert met(board) == "hang"
    moment.wall_s = 10.0
    assert met(board) == ""
    assert board.in_force() == []


def test_a_scenario_speaks_in_simulated_time() -> None:
    moment = Moment()
    board = a_board(moment, fault(at="10:30", for_seconds=3600), fault(bend="reset", at="12:00", count=1))
    assert met(board) == ""
    moment.at = TEN + timedelta(minutes=30)
    assert met(board) == "hang"
    moment.at = TEN + timedelta(minutes=91)
    assert met(board) == ""
    moment.at = TEN + timedelta(hours=2)
    assert [met(board), met(board)] == ["reset", ""]


def test_a_fault_is_of_one_service_method_and_target() -> None:
    board = a_board(Moment())
    board.switch_on(fault(method="sendMessage", target="1001", for_seconds=60))
    assert met(board, target="1001") == "hang"
    assert [met(board, target="1002"), met(board, "getMe", target="1001"), met(board, service=Service.DISCORD)] == [
        "",
        "",
        "",
    ]
    board.switch_off()
    assert met(board, target="1001") == ""


def test_what_the_poll_brings_is_bent_where_it_brings_something() -> None:
    board = a_board(Moment())
    board.switch_on(fault(bend="updates_old", count=1))
    assert [met(board), met(board, POLL), met(board, UPDATES), met(board, UPDATES)] == ["", "", "updates_old", ""]
    board.switch_on(fault(bend="second_poller", count=1))
    assert [met(board), met(board, UPDATES), met(board, POLL)] == ["", "", "second_poller"]


def test_chance_is_the_seeds_and_speaks_every_fault_of_a_service() -> None:
    def drawn(seed: int) -> list[str]:
        board = a_board(Moment())
        board.at_random(0.5, seed)
        return [met(board, method, service) for service in Service for method in ("post", POLL, UPDATES) * 120]

    assert drawn(1) == drawn(1) != drawn(2)
    for service in Service:
        board = a_board(Moment())
        board.at_random(1.0, 3)
        methods = ("post", POLL, UPDATES) if service is Service.TELEGRAM else ("post",)
        assert {met(board, method, service) for method in methods * 300} - {""} == set(SPOKEN[service])


@pytest.mark.parametrize(
    "given",
    [
        {"count": 1, "for_seconds": 5},
        {},
        {"count": 0},
        {"count": 1, "fault": "second_poller", "service": "smtp"},
        {"count": 1, "fault": "nothing"},
        {"count": 1, "retry_after_s": -1},
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ServiceFault.model_validate({"service": "telegram", "fault": "hang", **given})


def test_every_kind_of_the_catalogue_is_spoken_by_somebody() -> None:
    assert set(Bend) == {bend for bends in SPOKEN.values() for bend in bends}


def test_a_scenario_without_the_section_has_none() -> None:
    assert load_scenario("demo").services.faults == []
