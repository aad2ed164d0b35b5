"""Where the pages are: the groups of the side bar, and the five places of a phone's bar. A new page is a line here."""

from __future__ import annotations

from typing import Final

Place = tuple[str, str]

PLACES: Final[tuple[tuple[str, tuple[Place, ...]], ...]] = (
    ("", (("Overview", "/"),)),
    (
        "Trade",
        (
            ("Signals", "/signals"),
            ("Positions", "/positions"),
            ("Trades", "/trades"),
            ("Performance", "/performance"),
            ("Calibration", "/calibration"),
        ),
    ),
    (
        "Market",
        (("Market", "/market"), ("Exposure", "/exposure"), ("Strategies", "/strategies"), ("Discovery", "/discovery")),
    ),
    ("Watch", (("Alerts", "/alerts"), ("Overseer", "/overseer"), ("Feeds", "/feeds"))),
    ("Record", (("Audit", "/audit"), ("Lifecycles", "/machines"), ("Config", "/config"), ("People", "/people"))),
)
ON_A_PHONE: Final[tuple[Place, ...]] = (
    ("Overview", "/"),
    ("Signals", "/signals"),
    ("Positions", "/positions"),
    ("Market", "/market"),
    ("More", "/pages"),
)
KEY_PLACES: Final[tuple[tuple[str, str, str], ...]] = (
    ("o", "Overview", "/"), ("s", "Signals", "/signals"), ("p", "Positions", "/positions"),
    ("t", "Trades", "/trades"), ("e", "Performance", "/performance"), ("m", "Market", "/market"),
    ("x", "Exposure", "/exposure"), ("y", "Strategies", "/strategies"), ("a", "Alerts", "/alerts"),
    ("v", "Overseer", "/overseer"), ("f", "Feeds", "/feeds"), ("r", "Audit", "/audit"), ("c", "Config", "/config"),
    ("w", "People", "/people"), ("l", "Lifecycles", "/machines"), ("b", "Calibration", "/calibration"),
    ("d", "Discovery", "/discovery"),
)  # fmt: skip
"""The key that comes after `g`, and where it leads."""
