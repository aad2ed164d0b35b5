"""Alerts of the channel by which people steer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bot.domain.notices.row import END, INFO, NOTHING, ONCE, WARNING, Notice

TELEGRAM: Final[Mapping[str, Notice]] = {
    "TELEGRAM_REFUSED": Notice(
        WARNING, ONCE,
        "Telegram answers polls with 401 or 404: the token was revoked, or something in between answers in its place.",
        "See TELEGRAM_BOT_TOKEN and telegram.base_url. Until then steer by the page or the command line.",
    ),
    "TELEGRAM_CONFLICT": Notice(
        WARNING, ONCE,
        "Somebody else polls with the same token, on this machine or elsewhere: requests go to either of us.",
        "Stop the other one, or give it a token of its own. If nobody of yours polls, revoke the token.",
    ),
    "TELEGRAM_SILENT": Notice(
        WARNING, ONCE,
        "Telegram has not answered a poll for a minute: requests and answers from the phone do not arrive.",
        "See the network and telegram.base_url. Steer by the page or the command line meanwhile.",
    ),
    "TELEGRAM_BACK": Notice(INFO, END, "Telegram answers polls again.", NOTHING),
}  # fmt: skip
