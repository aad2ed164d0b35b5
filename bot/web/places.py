"""Where the pages are: the groups of the side bar, and the five places of a phone's bar. A new page is a line here."""

from __future__ import annotations

from typing import Final

Place = tuple[str, str]

PLACES: Final[tuple[tuple[str, tuple[Place, ...]], ...]] = (
    ("", (("Overview", "/"),)),
    ("Trade", (("Trades", "/trades"), ("Performance", "/performance"))),
    ("Watch", (("Alerts", "/alerts"),)),
    ("Record", (("Audit", "/audit"), ("Lifecycles", "/machines"))),
)
ON_A_PHONE: Final[tuple[Place, ...]] = (
    ("Overview", "/"),
    ("Trades", "/trades"),
    ("Performance", "/performance"),
    ("Alerts", "/alerts"),
    ("More", "/pages"),
)
