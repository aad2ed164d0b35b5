"""The exchange's sessions, printed as JSON: `python -m bot.clocks.session_table 2026-01-01 2027-12-31`.

exchange_calendars brings pandas, some 60 MB that the bot would hold for life to answer "is today a half day". So this
runs as a short-lived process of its own and `bot.clocks.calendar` keeps what it printed. Nothing else imports it.
"""

from __future__ import annotations

import json
import sys
from typing import Any

EXCHANGE = "XNYS"


def session_rows(start: str, end: str) -> list[list[Any]]:
    """Return [day, open, close, is half day] of every session from `start` to `end`; days and UTC times in ISO form."""
    import exchange_calendars

    calendar = exchange_calendars.get_calendar(EXCHANGE, start=start, end=end)
    half_days = set(calendar.early_closes)
    return [
        [session.date().isoformat(), opens.isoformat(), closes.isoformat(), session in half_days]
        for session, opens, closes in zip(
            calendar.schedule.index, calendar.schedule["open"], calendar.schedule["close"], strict=True
        )
    ]


def main(arguments: list[str]) -> int:
    start, end = arguments
    json.dump({"exchange": EXCHANGE, "start": start, "end": end, "sessions": session_rows(start, end)}, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
