"""Unusual Whales' recorded stream messages: JSON lines with `received_at_local`, `channel` and `payload`.

Every message is kept raw, as an answer from its channel. Flow alerts are read as well, by the feed's own parser; what
the other channels say has no typed row of its own yet. The recorder's clock was US Central's. A file without a time of
receipt (alerts read back from a table) is taken as received when each alert ended.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from operator import attrgetter
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from bot.domain.data.sets import FLOW_ALERTS
from bot.domain.errors import BotError
from bot.domain.events.feeds import DatumReceived
from bot.feeds.vendors.unusual_whales.rows import PARSERS
from bot.record.imports.source import Heard, Imported, lines

LACKS: Final = "quotes, and the sets that are asked for by REST: nothing trades on them alone"
_CENTRAL: Final = ZoneInfo("America/Chicago")
_ALERTS: Final = "flow-alerts"
_TTL_S: Final = 300.0
_VENDOR: Final = "unusual_whales"


def read(asked: Imported) -> Iterator[Heard]:
    """Yield messages by their time of receipt."""
    yield from sorted((each for path in asked.files for each in _messages(asked, path)), key=attrgetter("at"))


def _messages(asked: Imported, path: Path) -> Iterator[Heard]:
    for line in lines(path):
        asked.read += 1
        payload, channel = (line["payload"], line["channel"]) if "payload" in line else (line, _ALERTS)
        at = _received(line, payload)
        if at is None:
            asked.left_out += 1
            continue
        yield Heard(at, answer=(f"stream/{channel}", json.dumps(payload, separators=(",", ":")).encode()))
        if channel == _ALERTS and "option_chain" in payload:
            yield from _alert(asked, path, payload, at)


def _received(line: Mapping[str, Any], payload: Mapping[str, Any]) -> datetime | None:
    told = line.get("received_at_local")
    if told:
        return datetime.fromisoformat(told).replace(tzinfo=_CENTRAL).astimezone(UTC)
    ended = payload.get("end_time")
    return datetime.fromtimestamp(ended / 1000, UTC) if ended else None


def _alert(asked: Imported, path: Path, payload: Mapping[str, Any], at: datetime) -> Iterator[Heard]:
    try:
        parsed = PARSERS[FLOW_ALERTS].parse([_as_rest(payload)], None)
    except (BotError, TypeError, KeyError, ValueError) as error:
        asked.notes.append(f"{path.name}: an alert is kept raw alone: {error}")
        return
    if not parsed.rows:
        asked.notes.append(f"{path.name}: an alert is kept raw alone: {parsed.first_fault}")
        return
    row = parsed.rows[-1]
    yield Heard(at, DatumReceived(FLOW_ALERTS, row.symbol, (row,), row.at, at, _TTL_S, _VENDOR))


def _as_rest(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message of the stream with the names that the same alert has by REST."""
    alert = dict(payload)
    alert.setdefault("created_at", _iso(payload.get("end_time")))
    alert.setdefault("alert_rule", payload.get("rule_name"))
    alert["has_sweep"], alert["has_floor"] = bool(payload.get("has_sweep")), bool(payload.get("has_floor"))
    alert["all_opening_trades"] = bool(payload.get("all_opening_trades"))
    return alert


def _iso(ms: int | None) -> str | None:
    return None if ms is None else datetime.fromtimestamp(ms / 1000, UTC).isoformat()
