"""Every command by every role and by a stranger, at a socket: exactly the allowed become requests, the rest is refused
in its own words and on record."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from bot.admin import acts
from bot.admin.commands import COMMANDS, Command
from bot.admin.figures import strategies
from bot.admin.replies import Replies
from bot.admin.strangers import ChatStrangers
from bot.charts.chart import Chart
from bot.charts.picture import NotDrawn
from bot.domain.actors import Role
from bot.domain.events.people import RequestKind
from bot.domain.requests import REQUESTS
from bot.store.read.telegram import close_update
from bot.store.tables.message import MESSAGE
from bot.store.tables.strategy_stat import STRATEGY_STAT
from bot.store.values import time_text
from tests.admin.conftest import PEOPLE, STRANGER, Phone
from tests.web.conftest import DAY, NOW, StoreBuilder

K = RequestKind
ACTS = {
    "approve": ("SIGWAIT", K.APPROVE), "reject": ("SIGWAIT too dear", K.REJECT), "pause": ("lunch", K.PAUSE),
    "edit": ("SIGWAIT qty 3 limit 2.40 stop 1.20", K.EDIT), "resume": ("", K.RESUME), "halt": ("news", K.HALT),
    "forceexit": ("POSRUN", K.CLOSE), "flatten": ("", K.FLATTEN), "reload_config": ("", K.RELOAD_CONFIG),
    "strategies": ("zero_dte_gamma off", K.STRATEGY), "cancel_open_order": ("all", K.CANCEL_ALL), "ack": ("all", K.ACK),
    "unack": ("ALERT1", K.UNACK), "report": ("ask", K.REPORT_DRAFT),
    "quiet": ("22:00-07:00", K.QUIET),
}  # fmt: skip
READS = {"order": "ORDSTOP", "why": "SIGWAIT"}
ROWS = {row.name: row for row in COMMANDS.values()}
OWNER, OPERATOR, APPROVER, VIEWER = (PEOPLE[role] for role in (Role.OWNER, Role.OPERATOR, Role.APPROVER, Role.VIEWER))


def test_every_command_that_acts_is_played() -> None:
    assert {name for name, row in ROWS.items() if row.make is not None} == set(ACTS)


@pytest.mark.parametrize("role", list(PEOPLE))
async def test_every_command_by_every_role(phone: Phone, role: Role) -> None:
    user, expected = PEOPLE[role], []
    for name, (arguments, kind) in ACTS.items():
        said = await phone.says(user, f"/{name} {arguments}".strip())
        if not REQUESTS[kind].may(role):
            assert said.startswith("NOT_ALLOWED"), name
            continue
        expected.append((kind.value, f"admin:telegram:the-{role}"))
        if "Yes, " in str(phone.server.buttons(said[:20])) and REQUESTS[kind].danger != "calm":
            await phone.presses(user, f"Yes, {kind.value.replace('_', ' ')}")
    assert phone.asked() == expected
    refused = [json.loads(each)["actor"] for each in phone.attempts()]
    assert refused == [f"admin:telegram:the-{role}"] * (len(ACTS) - len(expected))


async def test_everybody_reads_and_help_shows_what_they_may_do(phone: Phone) -> None:
    for name, row in ROWS.items():
        if row.show is None:
            continue
        said = await phone.says(VIEWER, f"/{name} {READS.get(name, '')}".strip())
        assert said, name
        assert "fits none" not in said, name
    for role, user in PEOPLE.items():
        text = await phone.says(user, "/help")
        assert ("/flatten" in text, "/approve" in text) == (
            role in {Role.OWNER, Role.OPERATOR},
            role is not Role.VIEWER,
        )
    assert phone.asked() == []


async def test_strategies_say_what_was_not_bought_in_shadow_and_what_it_would_have_brought(phone: Phone) -> None:
    assert "In shadow" not in await phone.says(VIEWER, "/strategies")
    store = StoreBuilder(phone.path)
    store.seq = phone.rows("SELECT max(seq) FROM transition")[0][0]
    store.signal("SIGSHADE", "rejected", created_at=store.now_text)
    words = "SHADOW: zero_dte_gamma is switched to shadow; 4 at 4.20 would be bought"
    store.transition("signal", "SIGSHADE", "reject", ("pending", "rejected"), words, store.now_text, shadow=True)
    assert re.search(r"in shadow\nzero_dte_gamma.* –\n", await phone.says(VIEWER, "/strategies"))
    store.add(STRATEGY_STAT, strategy="zero_dte_gamma", symbol="SPX", day=DAY, evaluated=1, proposed=1, last_reason="",
              at=store.now_text, seen_at=store.now_text, seen=json.dumps({"price": "5907.5"}))  # fmt: skip
    assert "+$1,320.00" in await phone.says(VIEWER, "/strategies")
    ground = phone.desk._ground
    told = (await ground.look(lambda connection: strategies(connection, ground, ""))).pages[-1].text
    assert "In shadow, zero_dte_gamma: 1 not bought, +$1,320.00 at expiry, 1 judged" in told
    assert "4 SPX 5900C 20 Nov at 4.20: +$1,320.00" in told


async def test_a_stranger_is_refused_everything_on_record_and_answered_five_times(phone: Phone) -> None:
    texts = [f"/{name} {ACTS.get(name, READS.get(name, ''))}" for name in ROWS] + ["/help", "hello", "/start"]
    answers = [said for text in texts if (said := await phone.says(STRANGER, text))]
    assert len(answers) == 5
    assert all("not known to this bot" in said for said in answers)
    assert phone.asked() == []
    found = [json.loads(each) for each in phone.attempts()]
    assert len(found) == len(texts)
    assert {(each["actor"], each["stranger"]) for each in found} == {("admin:telegram:99", True)}
    await phone.hear(phone.press(STRANGER, f"approve:{'0' * 26}"))
    assert phone.asked() == []


async def test_strangers_share_five_answers_an_hour_also_after_a_restart(phone: Phone) -> None:
    for user in range(500, 503):
        await phone.says(user, "/status")
    phone.desk._strangers = ChatStrangers(phone.desk._ground)  # the process is another one
    said = [await phone.says(user, "/status") for user in range(503, 508)]
    assert [bool(each) for each in said] == [True, True, False, False, False]
    assert len(phone.attempts()) == 8


async def test_a_flood_of_a_stranger_is_counted(phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.admin.strangers.FLUSH_S", 0.01)
    for _ in range(300):
        await phone.desk.handle(phone.text(STRANGER, "/pause"), 0.0)
    flushing = phone.desk._strangers._flushing
    assert flushing is not None
    await flushing  # by itself, though nobody tries anything more
    found = [json.loads(each) for each in phone.attempts()]
    assert len(found) < 70
    assert sum(each["count"] for each in found) == 300
    await phone.sender.done()
    assert len(phone.server.texts(STRANGER)) == 5


async def test_in_a_group_the_user_counts_and_never_the_chat(phone: Phone) -> None:
    group = -1000000001001
    assert await phone.says(STRANGER, "/pause", chat=group)
    assert phone.asked() == []
    await phone.says(OPERATOR, "/pause@quanticity_bot", chat=group)
    assert await phone.says(OPERATOR, "/halt@another_bot", chat=group) == ""
    assert await phone.says(OPERATOR, "good morning", chat=group) == ""
    anonymous = phone.text(OPERATOR, "/halt", chat=group, sender_chat={"id": group, "type": "supergroup"})
    await phone.hear(anonymous)
    assert phone.asked() == [("pause", "admin:telegram:the-operator")]


# ---- money is asked back


async def test_what_sells_is_asked_back_with_what_it_would_do(phone: Phone) -> None:
    said = await phone.says(OPERATOR, "/fx POSRUN")
    assert "Sell at the market?" in said
    assert "SPX 5900C 20 Nov" in said
    assert "about $" in said
    assert phone.asked() == []
    label = "Yes, close"
    data = phone.server.buttons()[label]
    assert "somebody else's" in "\n".join(await phone.hear(phone.press(OWNER, data)))
    await phone.hear(phone.press(OPERATOR, data))
    assert phone.asked() == [("close", "admin:telegram:the-operator")]
    assert "too old, or was pressed before" in "\n".join(await phone.hear(phone.press(OPERATOR, data)))
    assert len(phone.asked()) == 1


async def test_a_confirm_is_void_once_its_facts_changed_or_a_minute_passed(
    phone: Phone, day: StoreBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    await phone.says(OPERATOR, "/flatten")
    with_old = phone.server.buttons()["Yes, flatten"]
    with sqlite3.connect(phone.path) as store:
        store.execute("UPDATE position SET quantity = quantity - 1 WHERE id = 'POSRUN'")
    assert "has changed meanwhile" in "\n".join(await phone.hear(phone.press(OPERATOR, with_old)))
    await phone.says(OPERATOR, "/flatten")
    later = phone.desk._offers.seconds() + 61
    monkeypatch.setattr(phone.desk._offers, "seconds", lambda: later)
    assert "too old" in await phone.presses(OPERATOR, "Yes, flatten")
    assert phone.asked() == []
    assert len(phone.attempts()) == 2


# ---- age


@pytest.mark.parametrize(
    "age_s,when", [(65, r"is 0:01:\d\d old"), (3605, r"is 1:00:\d\d old"), (-500, "is in the future by its date")]
)
async def test_what_is_old_is_not_carried_out_but_offered(phone: Phone, age_s: float, when: str) -> None:
    said = await phone.says(OPERATOR, "/pause", age_s=age_s)
    assert re.search(when, said)
    assert "Nothing was done" in said
    assert phone.asked() == []
    assert "TOO_OLD" in phone.attempts()[0]
    await phone.presses(OPERATOR, "Yes, do it now")
    assert phone.asked() == [("pause", "admin:telegram:the-operator")]


@pytest.mark.parametrize(
    "message_age_s,gap_s,is_done", [(10, float("inf"), True), (3000, 3, True), (3000, 3600, False)]
)
async def test_a_press_is_as_old_as_its_message_or_as_the_silence_before_it(
    phone: Phone, message_age_s: float, gap_s: float, is_done: bool
) -> None:
    _, approval = phone.rows("SELECT id, approval_id FROM signal WHERE id = 'SIGWAIT'")[0]
    await phone.hear(phone.press(APPROVER, f"approve:{approval}", age_s=message_age_s), gap_s=gap_s)
    assert phone.asked() == ([("approve", "admin:telegram:the-approver")] if is_done else [])


async def test_an_answer_that_was_owed_is_told_after_a_restart_and_only_once(
    phone: Phone, day: StoreBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The update was confirmed, and the process ended before the bot had answered: Telegram brings it only once."""
    await phone.hear(phone.text(OPERATOR, "/pause"))
    with closing(sqlite3.connect(phone.path)) as store, store:
        store.execute("UPDATE command SET state = 'done', answer = 'paused', handled_at = created_at")
    monkeypatch.setattr("bot.admin.answers._ANSWER_MOST_S", 30.0)
    phone.desk._answers._watched.clear()  # the process is another one
    await phone.desk.resume()
    assert await phone.hear() == ["<b>After a restart, for this answer may not have reached you.</b>\nDone: paused"]
    assert phone.rows("SELECT chat, answered_at IS NOT NULL FROM telegram_update") == [(str(OPERATOR), 1)]
    await phone.desk.resume()
    assert await phone.hear() == []


async def test_replies_leave_room_in_a_chats_minute_and_the_tick_learns_of_them(phone: Phone) -> None:
    ground = phone.desk._ground
    replies = Replies(ground)
    for _ in range(12):
        await replies.room(OWNER)
    now = ground.clock.monotonic()
    assert ground.pace.reply_waits_s(OWNER, now) > 50  # of twenty a minute, the others are for what the tick says
    assert ground.pace.reply_waits_s(OPERATOR, now) == 0
    for _ in range(16):
        ground.pace.went(OPERATOR, now)
    assert ground.pace.reply_waits_s(OPERATOR, now) > 50
    assert replies._telling is not None
    await replies._telling
    (told,) = phone.rows("SELECT payload FROM inbound WHERE kind = 'replied'")
    assert json.loads(told[0]) == {"channel": "telegram", "target": "the-owner", "count": 12}


async def test_reading_is_never_too_old(phone: Phone) -> None:
    assert "old" not in await phone.says(VIEWER, "/count", age_s=9999)


# ---- once


async def test_an_update_that_comes_twice_is_handled_once(phone: Phone) -> None:
    update = phone.text(OPERATOR, "/pause")
    await phone.hear(update, update)
    await phone.hear(update)
    assert phone.asked() == [("pause", "admin:telegram:the-operator")]
    assert phone.rows("SELECT id, state, actor FROM telegram_update") == [
        ("1000000001:1", "handled", "admin:telegram:the-operator")
    ]


class Killed(BaseException):
    pass


@pytest.mark.parametrize("dies", ["before the request", "after the request"])
async def test_a_kill_between_a_press_and_its_row_asks_once(
    phone: Phone, monkeypatch: pytest.MonkeyPatch, dies: str
) -> None:
    def die(*given: Any, **more: Any) -> None:
        if dies == "after the request":
            close_update(*given, **more)
        raise Killed

    update = phone.text(OPERATOR, "/pause")
    with monkeypatch.context() as patch:
        patch.setattr("bot.admin.desk.close_update", die)
        with pytest.raises(Killed):
            await phone.desk.handle(update, 0.0)
    assert len(phone.asked()) == (0 if dies == "before the request" else 1)
    said = await phone.hear(update)  # the next process is given the same update
    assert "has not answered yet" in "".join(said), "whoever asked is told what came of it"
    assert await phone.hear(update) == []
    assert phone.asked() == [("pause", "admin:telegram:the-operator")]


async def test_an_update_and_what_came_of_it_are_one_transaction(phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def counted(url: str, *given: Any, **more: Any) -> bool:
        calls.append("request" if more.get("request") else "told" if more.get("told") else "mark")
        return close_update(url, *given, **more)

    monkeypatch.setattr("bot.admin.desk.close_update", counted)
    for text in ("/pause", "/approve NOPE", "/count", "/flatten"):
        await phone.says(OPERATOR, text)
    assert calls == ["request", "told", "mark", "mark"]


# ---- answers to a question


@pytest.fixture
def question(day: StoreBuilder) -> int:
    """The message that asks about SIGWAIT: to the approver, number 77."""
    now = time_text(NOW)
    extra = {"approval": "APPWAIT", "signal": "SIGWAIT", "edits": 2}
    day.add(
        MESSAGE, id="MSG1", tier="admin", channel="telegram", kind="approval", target="the-approver", created_at=now,
        due_at=now, state="sent", external_id=f"{APPROVER}:77", dedupe_key="k", body="?", extra=json.dumps(extra),
        mode="new", attempts=1,
    )  # fmt: skip
    return 77


ANSWERS = [
    ("✅", K.APPROVE, {"signal_id": "SIGWAIT", "seen": "2"}),
    ("approve", K.APPROVE, {"signal_id": "SIGWAIT", "seen": "2"}),
    ("❌", K.REJECT, {"signal_id": "SIGWAIT"}),
    ("Reject too dear", K.REJECT, {"signal_id": "SIGWAIT", "reason": "too dear"}),
    ("edit: qty 3 limit 2.40 stop 1.20", K.EDIT,
     {"signal_id": "SIGWAIT", "quantity": "3", "limit": "2.40", "stop": "1.20"}),
    ("edit stop 1.20", K.EDIT, {"signal_id": "SIGWAIT", "stop": "1.20"}),
]  # fmt: skip


async def test_an_answer_to_the_question_is_a_request(phone: Phone, question: int) -> None:
    for text, _, _ in ANSWERS:
        await phone.says(APPROVER, text, reply_to_message={"message_id": question})
    assert phone.asked() == [(kind.value, "admin:telegram:the-approver") for _, kind, _ in ANSWERS]
    found = phone.rows("SELECT payload FROM command ORDER BY created_at, id")
    assert [json.loads(payload) for (payload,) in found] == [payload for _, _, payload in ANSWERS]


async def test_a_report_is_drafted_answered_and_edited_with_a_text_of_several_lines(
    phone: Phone, day: StoreBuilder
) -> None:
    now, extra = time_text(NOW), {"report": "REP1", "edits": 1}
    day.add(
        MESSAGE, id="MSGR", tier="admin", channel="telegram", kind="approval", target="the-approver", created_at=now,
        due_at=now, state="sent", external_id=f"{APPROVER}:78", dedupe_key="r", body="?", extra=json.dumps(extra),
        mode="new", attempts=1,
    )  # fmt: skip
    assert "so far" in await phone.says(VIEWER, "/report")
    await phone.says(APPROVER, "/report ask")
    for text in ("✅", "reject too early", "edit: one\n" + "x" * 400):
        await phone.says(APPROVER, text, reply_to_message={"message_id": 78})
    await phone.hear(phone.press(APPROVER, "rapprove:REP1:2"))
    assert "new text" in "".join(await phone.hear(phone.press(APPROVER, "redit:REP1:2")))
    found = [
        (kind, json.loads(payload)) for kind, payload in phone.rows("SELECT kind, payload FROM command ORDER BY id")
    ]
    assert [kind for kind, _ in found] == [
        "report_draft", "report_approve", "report_reject", "report_edit", "report_approve"
    ]  # fmt: skip
    drafted, approved, rejected, edited, pressed = (payload for _, payload in found)
    assert (drafted["to"], "so far" in drafted["text"][0]) == ("day", True)
    assert (approved, rejected) == (
        {"report_id": "REP1", "seen": "1"}, {"report_id": "REP1", "reason": "too early"}
    )  # fmt: skip
    assert (edited["text"][0], "".join(edited["text"][1:])) == ("one", "x" * 400)
    assert pressed == {"report_id": "REP1", "seen": "2"}


BOT, ANOTHER_BOT = {"id": 1000000001, "is_bot": True}, {"id": 5, "is_bot": True}


def asks(data: str, by: dict[str, Any] = BOT) -> dict[str, Any]:
    """A message with a button, of which the store does not know the number."""
    return {"message_id": 4711, "from": by, "reply_markup": {"inline_keyboard": [[{"callback_data": data}]]}}


async def test_an_answer_to_a_message_whose_number_was_lost_is_known_by_its_buttons(phone: Phone) -> None:
    _, approval = phone.rows("SELECT id, approval_id FROM signal WHERE id = 'SIGWAIT'")[0]
    await phone.says(APPROVER, "✅", reply_to_message=asks(f"approve:{approval}:2"))
    await phone.says(APPROVER, "ack", reply_to_message=asks("ack:01ALERT"))
    found = phone.rows("SELECT payload FROM command ORDER BY created_at, id")
    assert [json.loads(payload) for (payload,) in found] == [
        {"signal_id": "SIGWAIT", "seen": "2"}, {"alert_id": "01ALERT"}
    ]  # fmt: skip
    for bad in (asks(f"approve:{approval}", ANOTHER_BOT), asks("approve:NOPE"), asks("ok:1"), {"message_id": 1}):
        assert "asks nothing" in await phone.says(APPROVER, "✅", reply_to_message=bad)
    assert len(phone.asked()) == 2


async def test_an_answer_within_a_moment_of_its_question_waits_for_its_number(
    phone: Phone, question: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_number = "UPDATE message SET state = ?, external_id = ? WHERE id = 'MSG1'"
    known = [("sending", None), ("sending", None), ("sent", f"{APPROVER}:{question}")]

    def next_state(*given: Any) -> Any:
        with closing(sqlite3.connect(phone.path)) as store, store:
            store.execute(set_number, known.pop(0))
        return acts_question_of(*given)

    acts_question_of = acts.question_of
    monkeypatch.setattr(acts, "question_of", next_state)
    await phone.says(APPROVER, "✅", reply_to_message={"message_id": question})
    assert phone.asked() == [("approve", "admin:telegram:the-approver")]
    assert known == []


NO_ANSWERS = ("edit: qty", "edit: all of it", "approve 7", "maybe", "<b>✅</b>", "edit: qty 3; drop table")


async def test_an_answer_that_is_none_says_so_and_changes_nothing(phone: Phone, question: int) -> None:
    for text in NO_ANSWERS:
        assert await phone.says(APPROVER, text, reply_to_message={"message_id": question})
    assert await phone.says(APPROVER, "✅", reply_to_message={"message_id": 4711}) == (
        "That message asks nothing. /help shows what I understand."
    )
    assert phone.asked() == []
    assert len(phone.attempts()) == len(NO_ANSWERS) + 1


# ---- what makes no sense

BAD = [
    ("/nonsense", "is unknown"), ("/daily x", "no number"), ("/daily 0", "no number"), ("/daily 101", "no number"),
    ("/daily ٣", "no number"), ("/count now", "takes nothing"),
    ("/order", "Which order?"), ("/order nope", "fits none"),
    ("/why ' OR 1=1 --", "fits none"), ("/fx", "Which position?"), ("/fx <b>", "fits none"),
    ("/machines x", "no machine"), ("/quiet at night", "names no hours"),
    ("/approve", "Which signal?"), ("/edit SIGWAIT", "is no edit"), ("/strategies x", "Say a strategy"),
    ("/reload_config now", "takes nothing"), ("/show_config passwords", "no section"), ("x" * 5000, "no command"),
    ("/pause " + "_*[]()~`>#+-=|{}.!<b>&" * 200, ""), ("/fx *_[x](y)", "fits none"), ("/performance by", "by strategy"),
]  # fmt: skip


async def test_what_makes_no_sense_has_its_own_answer(phone: Phone) -> None:
    for text, words in BAD:
        before, tried_before = len(phone.asked()), len(phone.attempts())
        assert words in await phone.says(OPERATOR, text), text
        row: Command | None = COMMANDS.get(text[1:].split()[0])
        assert (len(phone.asked()) == before) == bool(words), text
        is_unknown = row is None and text.startswith("/")
        tried = is_unknown or (row is not None and row.make is not None and bool(words))
        assert len(phone.attempts()) - tried_before == (1 if tried else 0), text


MALFORMED: list[dict[str, Any]] = [
    {"message": {}}, {"message": {"text": "/pause"}}, {"message": "x"}, {"callback_query": {"id": 1}},
    {"message": None},
    {"message": {"text": "/pause", "from": {"id": "x"}, "chat": {"id": 1}, "message_id": 1, "date": 1}},
    {"message": {"text": "/pause", "from": {"id": 2}, "chat": {"id": 2}, "message_id": 1, "date": 10**30}},
    {"callback_query": {"id": "1", "from": {"id": 2}, "data": "approve:x"}}, {"my_chat_member": {}}, {},
]  # fmt: skip


async def test_an_update_that_cannot_be_read_does_nothing_and_the_next_is_handled(phone: Phone) -> None:
    assert await phone.hear(*(phone.update(**each) for each in MALFORMED)) == []
    assert phone.asked() == []
    assert "positions" in await phone.says(VIEWER, "/count")


NO_BUTTONS = ("", "ok:", "ok:x", "again:1", "page:x:9", "approve:", "approve:NOPE", "dance:1", "<b>:1")


async def test_a_button_that_is_none_does_nothing(phone: Phone) -> None:
    for data in NO_BUTTONS:
        assert await phone.hear(phone.press(OPERATOR, data)), data
    assert phone.asked() == []
    assert len(phone.attempts()) == len(NO_BUTTONS)


async def test_a_long_table_has_pages_of_one_person(phone: Phone) -> None:
    await phone.says(VIEWER, "/show_config")
    following = next(label for label in phone.server.buttons() if label.endswith("▸"))
    data = phone.server.buttons()[following]
    assert await phone.hear(phone.press(OWNER, data))  # somebody else's
    await phone.hear(phone.press(VIEWER, data, message=max(number for _, number in phone.server.sent) - 1))
    assert any("2 of" in text for text in phone.server.texts(VIEWER))
    longest = max(len(text.encode("utf-16-le")) // 2 for text in phone.server.texts())
    assert longest <= 4096 + 200


async def test_money_and_a_position_have_a_picture_and_one_that_is_not_drawn_costs_nothing(
    phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[str] = []

    def draw(chart: Chart) -> bytes:
        drawn.append(chart.name)
        if chart.name == "path":
            raise NotDrawn("no memory")
        return b"PNG"

    monkeypatch.setattr("bot.admin.sender.png", draw)
    for text in ("/profit", "/status POSRUN"):
        assert await phone.says(VIEWER, text)
    assert len(drawn) == 2
    assert [text for text in phone.server.texts(VIEWER) if text.startswith("picture: ")] == [
        "picture: What the account did today"
    ]
