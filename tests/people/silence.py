"""Telegram in trouble beside the whole program: no tick waits for it, no alert is lost or doubled, an answer that was
lost is `unknown`, and nothing that somebody asked meanwhile is carried out late."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.people.program import Program, until

LASTS_S: Final = 75.0
"""An hour of a clock that runs 48 times as fast as the wall; longer than a request may be old."""
SPEED: Final = 48.0
ALERT_EVERY_S: Final = 5.0


@dataclass(frozen=True)
class Trouble:
    """Faults of one outage; `settles_s`: how long what waits may take afterwards."""

    faults: tuple[dict[str, Any], ...]
    settles_s: float = 150.0
    holds_requests: bool = True


_LASTING: Final = {"for_seconds": LASTS_S}
TROUBLES: Final = {
    "none": Trouble((), holds_requests=False),
    "refusing": Trouble(({"fault": "reset", **_LASTING},)),
    "hangs after storing": Trouble(({"fault": "accept_then_hang", "method": "sendMessage", **_LASTING},), 150, False),
    "silent for an hour": Trouble(({"fault": "hang", **_LASTING},)),
    "second poller": Trouble(({"fault": "second_poller", "method": "getUpdates", **_LASTING},)),
    "401 on the poll": Trouble(({"fault": "credential_revoked", "method": "getUpdates", **_LASTING},)),
    "429 with 300 s": Trouble(
        ({"fault": "rate_limited", "method": "sendMessage", "target": "1001", "retry_after_s": 300, "count": 1},),
        400, False,
    ),
}  # fmt: skip


def silence(folder: Path, only: str = "") -> list[tuple[str, str]]:
    """Play every trouble; returns its figures."""
    found: list[tuple[str, str]] = []
    calm = 0.0
    for name, trouble in TROUBLES.items():
        if only and name not in {*only.split(","), "none"}:
            continue
        (folder / name.replace(" ", "_")).mkdir(parents=True)
        ticks, words = _play(folder / name.replace(" ", "_"), name, trouble)
        p99 = _p99(ticks)
        calm = calm or p99
        ratio = f"tick p99 {p99:.1f} ms, {p99 / calm:.2f} of a run without trouble, {len(ticks)} looks"
        found.append((name, f"{words}; {ratio}, median {statistics.median(ticks):.1f} ms"))
        print(*found[-1], sep=": ", flush=True)
    return found


def _p99(ticks: list[float]) -> float:
    return sorted(ticks)[int(len(ticks) * 0.99)]


def _play(folder: Path, name: str, trouble: Trouble) -> tuple[list[float], str]:
    program = Program(folder, "demo", SPEED, OVERSEER__ENABLED="false")
    program.start()
    try:
        for fault in trouble.faults:
            program.do(do="fault", service="telegram", **fault)
        program.say(f"/pause {name}")
        raised, ticks = _live_through(program)
        until(lambda: _is_settled(program, raised), f"{name}: everything said or in doubt", trouble.settles_s, 0.5)
        return ticks, _judged(program, raised, trouble)
    finally:
        program.stop()


def _live_through(program: Program) -> tuple[list[str], list[float]]:
    """Raise an alert now and then for the length of the outage, and look at the ticks."""
    raised: list[str] = []
    ticks: list[float] = []
    began = time.monotonic()
    while (passed := time.monotonic() - began) < LASTS_S + 2:
        if passed > len(raised) * ALERT_EVERY_S:
            raised.append(f"outage-{len(raised):02}")
            program.raise_alert("PEOPLE_DOWN", raised[-1], f"{raised[-1]}: raised meanwhile")
        ticks.append(float(program.sql("SELECT tick_ms FROM engine_status")[0][0]))
        time.sleep(0.1)
    return raised, ticks


def _is_settled(program: Program, raised: list[str]) -> bool:
    waiting = "SELECT count(*) FROM message WHERE channel = 'telegram' AND state IN ('queued', 'sending', 'retrying')"
    known = program.sql("SELECT count(*) FROM alert WHERE entity LIKE 'outage-%'")[0][0]
    heard = (
        program.sql("SELECT count(*) FROM command")[0][0] or program.sql("SELECT count(*) FROM telegram_update")[0][0]
    )
    return bool(known == len(raised) and heard and program.sql(waiting)[0][0] == 0)


_ABOUT: Final = (
    "SELECT DISTINCT a.entity FROM alert a, message m, json_each(m.extra, '$.alert_ids') j "
    "WHERE j.value = a.id AND a.entity LIKE 'outage-%' AND m.channel = 'telegram' AND m.state = "
)
_IN_DOUBT: Final = f"{_ABOUT}'unknown'"
_SAID: Final = f"{_ABOUT}'sent' AND m.external_id IS NOT NULL"


def _judged(program: Program, raised: list[str], trouble: Trouble) -> str:
    texts = [each["text"] for each in program.chat()]
    seen = Counter(entity for entity in raised for text in texts if entity in text)
    doubled = [entity for entity, count in seen.items() if count > 1]
    for (entity,) in program.sql(_SAID):  # in a listing that shows each code's newest words alone
        seen[str(entity)] += not seen[str(entity)]
    in_doubt = {str(entity) for (entity,) in program.sql(_IN_DOUBT)}
    lost = [entity for entity in raised if not seen[entity] and entity not in in_doubt]
    nowhere = [entity for entity in lost if entity not in str(program.book()["places"])]
    done = program.sql("SELECT count(*) FROM command WHERE kind = 'pause' AND state = 'done'")[0][0]
    late = done if trouble.holds_requests else 0
    return (
        f"{len(raised)} alerts, {len(seen)} seen at the phone, in doubt {len(in_doubt)}, lost {len(lost)}, nowhere "
        f"{len(nowhere)}, doubled {len(doubled)}; requests carried out late {late}"
    )
