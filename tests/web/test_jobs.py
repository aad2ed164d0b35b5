"""The jobs of the clock on the page and in `/api/status`: what each came to last, and when it runs next."""

from __future__ import annotations

import json
from pathlib import Path

from flask.testing import FlaskClient

from bot.config.loader import load
from bot.domain.timetable import TIMETABLE
from bot.store.tables.config_version import CONFIG_VERSION
from bot.store.tables.job_run import JOB_RUN
from tests.conftest import REPO_ROOT
from tests.web.conftest import CLOSE_AT, StoreBuilder, at


def run_of(store: StoreBuilder, name: str, minutes_ago: float, state: str, detail: str = "") -> None:
    store.add(JOB_RUN, id=f"{name}-{minutes_ago}", name=name, ran_at=at(minutes_ago), state=state, detail=detail)


def in_force(store: StoreBuilder, folder: Path, body: str | None = None) -> None:
    text = body or load(REPO_ROOT, {"sim.state_dir": str(folder)}, {}).text
    store.add(CONFIG_VERSION, id="abc", number=1, hash="", body=text, created_at=at(100))


def seen(page: FlaskClient) -> dict[str, dict[str, str | None]]:
    told = json.loads(page.get("/api/status").data)
    return {job["name"]: job for job in told["jobs"]}


def test_each_recorded_job_has_its_last_outcome_and_its_next_run(
    page: FlaskClient, store: StoreBuilder, tmp_path: Path
) -> None:
    in_force(store, tmp_path)
    run_of(store, "reconcile", 4, "asked", "timer")
    run_of(store, "backup", 600, "failed", "no room")
    run_of(store, "backup", 60, "done", "data/copy.db: checked")
    run_of(store, "settlement", 120, "done", "morning: nothing to settle")
    jobs = seen(page)
    assert list(jobs) == [job.name for job in TIMETABLE if job.recorded]
    assert (jobs["backup"]["state"], jobs["backup"]["detail"]) == ("done", "data/copy.db: checked")
    assert jobs["backup"]["next_at"] == "2026-11-20T21:05:00+00:00", "after the close, before a day is over"
    assert jobs["reconcile"]["next_at"] == "2026-11-20T16:06:30+00:00", "the settings that are in force say 300 s"
    assert jobs["settlement"]["next_at"] == "2026-11-20T21:30:00+00:00", "half past four in New York"
    assert jobs["day_totals"] == {
        "name": "day_totals", "last_at": None, "state": None, "detail": None, "next_at": "2026-11-20T21:01:00+00:00"
    }  # fmt: skip
    assert CLOSE_AT.isoformat() == "2026-11-20T21:00:00+00:00"


def test_one_that_failed_says_why_on_the_page(page: FlaskClient, store: StoreBuilder, tmp_path: Path) -> None:
    in_force(store, tmp_path)
    run_of(store, "backup", 5, "failed", "data has 3 MB free, a backup wants 40")
    shown = page.get("/feeds").get_data(as_text=True)
    assert "Jobs by the clock" in shown
    assert "data has 3 MB free, a backup wants 40" in shown
    assert "never ran" in shown


def test_a_configuration_of_another_version_leaves_the_next_run_open(page: FlaskClient, store: StoreBuilder) -> None:
    for number, body in enumerate(("{", '{"settings": {"engine": 3}}', '{"settings": {"engine": {}}}', "[]", "")):
        store.add(CONFIG_VERSION, id=f"v{number}", number=number + 1, hash="", body=body, created_at=at(100))
        jobs = seen(page)
        assert jobs["settlement"]["next_at"] is None, body
        assert jobs["day_totals"]["next_at"] == "2026-11-20T21:01:00+00:00", "it asks for no setting"
