"""Bad input, item by item as the issue names it: each has an answer of its own, no effect, and a row of the audit trail
where somebody tried to act."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from bot.domain.actors import Role
from tests.admin.conftest import PEOPLE, STRANGER, Phone

OWNER, APPROVER, VIEWER = PEOPLE[Role.OWNER], PEOPLE[Role.APPROVER], PEOPLE[Role.VIEWER]
Update = dict[str, Any]


@dataclass(frozen=True)
class Bad:
    """One item: what comes in, what is answered (empty: nobody is there to answer), whether it was an attempt."""

    name: str
    make: Callable[[Phone], Update]
    words: str
    tried: bool = True


def typed(user: int, text: str, **more: Any) -> Callable[[Phone], Update]:
    return lambda phone: phone.text(user, text, **more)


def pressed(user: int, data: str, **more: Any) -> Callable[[Phone], Update]:
    return lambda phone: phone.press(user, data, **more)


def a_group_that_moved(phone: Phone) -> Update:
    moved = phone.text(OWNER, "", chat=-100)
    del moved["message"]["text"]
    moved["message"]["migrate_to_chat_id"] = -1000000000100
    return moved


ITEMS = (
    Bad("unknown command", typed(OWNER, "/sell_everything"), "/sell_everything is unknown"),
    Bad("wrong argument", typed(OWNER, "/strategies zero_dte_gamma maybe"), "Say a strategy and on, shadow or off"),
    Bad("wrong argument of a reading", typed(VIEWER, "/daily soon"), "no number", tried=False),
    Bad("unknown id", typed(APPROVER, "/approve NOWHERE"), "fits none"),
    Bad("ambiguous id", typed(APPROVER, "/approve WAIT"), "fits several"),
    Bad("an edit that is none", typed(APPROVER, "/edit SIGWAIT qty"), "is no edit"),
    Bad("an expired button", pressed(OWNER, "ok:long-gone"), "too old, or was pressed before"),
    Bad("a button of another store", pressed(APPROVER, f"approve:{'0' * 26}"), "This question is unknown"),
    Bad("a button that is none", pressed(OWNER, "sell:all"), "none of mine"),
    Bad("HTML in an argument", typed(OWNER, "/fx <b>all</b>&amp;"), "&lt;b&gt;all&lt;/b&gt;"),
    Bad("Markdown in an argument", typed(OWNER, "/fx *_[all](tg://x)_*`"), "*_[all](tg://x)_*`"),
    Bad("5,000 characters", typed(OWNER, "/fx " + "x" * 5000), "fits none"),
    Bad("a request of an hour ago", typed(OWNER, "/pause", age_s=3600), " old. Nothing was done"),
    Bad("a request of tomorrow", typed(OWNER, "/pause", age_s=-86_400), "in the future by its date"),
    Bad("a group that became a supergroup", a_group_that_moved, "", tried=False),
    Bad("a malformed update", lambda phone: phone.update(message={"text": "/pause", "from": {"id": OWNER}}), "", False),
    Bad("an update without a kind", lambda phone: phone.update(), "", tried=False),
    Bad("somebody who is not allowed", typed(VIEWER, "/halt"), "NOT_ALLOWED: /halt is not for the-viewer"),
    Bad("a stranger", typed(STRANGER, "/halt"), "You are not known to this bot"),
)  # fmt: skip


def with_twins(phone: Phone) -> None:
    """Have two signals whose ids end alike."""
    with closing(sqlite3.connect(phone.path)) as store, store:
        names = [row[1] for row in store.execute("PRAGMA table_info(signal)") if row[1] not in {"id", "approval_id"}]
        columns = ", ".join(f'"{name}"' for name in names)
        copied = f"SELECT 'TWINWAIT', {columns} FROM signal WHERE id = 'SIGWAIT'"
        store.execute(f"INSERT INTO signal (id, {columns}) {copied}")


async def test_every_item_of_bad_input_has_its_answer_no_effect_and_its_row(phone: Phone) -> None:
    with_twins(phone)
    for item in ITEMS:
        before = len(phone.attempts())
        said = "\n".join(await phone.hear(item.make(phone)))
        assert item.words in said if item.words else not said, (item.name, said)
        assert phone.asked() == [], item.name
        assert len(phone.attempts()) - before == int(item.tried), item.name
    again = phone.text(OWNER, "/nothing_like_it")
    assert await phone.hear(again)
    assert await phone.hear(again) == [], "an update that comes twice is handled once"
    actors = {json.loads(each)["actor"] for each in phone.attempts()}
    assert {"admin:telegram:the-owner", "admin:telegram:the-viewer", f"admin:telegram:{STRANGER}"} <= actors
