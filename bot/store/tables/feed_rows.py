"""The last rows of data sets that people may read by name."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Column, String

from bot.domain.data.plain import plain
from bot.engine.state.records import FeedRows
from bot.store.bounded import MOST_JSON
from bot.store.fields import json as json_field
from bot.store.fields import label, number, of_column, utc, whole
from bot.store.stored import Stored
from bot.store.values import parse_json


def _written(rows: Sequence[Any]) -> str:
    """Return the rows as JSON, of the last ones as many as are read back whole."""
    kept = [plain(row) for row in rows]
    while len(text := json.dumps(kept, ensure_ascii=False)) > MOST_JSON and kept:
        kept = kept[len(kept) // 2 + 1 :]
    return text


FEED_ROWS_SHOWN: Final = Stored(
    FeedRows,
    "feed_rows",
    of_column(Column("dataset", String(64), primary_key=True)),
    of_column(Column("key", String(64), primary_key=True)),
    label("source", "who said it"),
    utc("at", "received"),
    utc("source_at", "by the source", maybe=True),
    number("max_age_s", "older is stale"),
    whole("rows_in_all", "of which the last are kept"),
    json_field("rows", _written, parse_json, "JSON list: the last rows, each an object", default="[]"),
    comment="the last rows of data sets that people may read by name",
)
FEED_ROW: Final = FEED_ROWS_SHOWN.table
