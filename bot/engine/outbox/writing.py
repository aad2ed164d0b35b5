"""Drafts become messages: one a target, in the tick's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from bot.domain.ids import derived_id
from bot.domain.message import OUT, WAITING, Message, MessageChange, MessageMode, MessageState
from bot.engine.outbox.draft import Draft
from bot.engine.outbox.voice import Channel, MessageTarget, Voice
from bot.engine.state.journal import Journal
from bot.engine.state.steps import Birth

_LONGEST_KEY = 200


def write(journal: Journal, voice: Voice, drafts: Iterable[Draft]) -> list[Message]:
    """Write what is to be said; what was said to a target before under the same key is passed over. Returns the
    messages that were born."""
    return [
        message
        for draft in drafts
        for target in _heard_by(voice, draft)
        if (message := _written(journal, voice.channels[target.channel], target, draft)) is not None
    ]


def key_of(draft_key: str, tier: str, target: MessageTarget) -> str:
    """Return the dedupe key of what is said to one target."""
    return f"{tier}:{target.channel}:{target.name}:{draft_key}"[:_LONGEST_KEY]


def _heard_by(voice: Voice, draft: Draft) -> Iterator[MessageTarget]:
    channels = voice.channels if draft.channels is None else [c for c in draft.channels if c in voice.channels]
    for channel in channels:
        for target in voice.on(channel, draft.roles):
            if not draft.only or target.name in draft.only:
                yield target


def _written(journal: Journal, channel: Channel, target: MessageTarget, draft: Draft) -> Message | None:
    ledger, key = journal.ledger, key_of(draft.key, draft.tier, target)
    if ledger.message_index.said(key) is not None:
        return None
    parent = ledger.message_index.said(key_of(draft.edits or draft.answers, draft.tier, target))
    if draft.edits and parent is not None and _takes_new_text(journal, parent, draft):
        return None
    if draft.only_edits and (parent is None or not channel.edits or not _can_be_edited(parent)):
        return None
    message = _message(journal.now, target, draft, key)
    message = _as_channel_can(message, channel, parent, is_edit=bool(draft.edits))
    journal.born(Birth(message, f"{draft.kind} for {target.name} on {channel.name}", {"dedupe_key": key}))
    return message


def _takes_new_text(journal: Journal, parent: Message, draft: Draft) -> bool:
    """What was not sent yet, be it an earlier edit of the same, is sent with the new words: nobody has to read the old
    ones first."""
    waiting = parent if parent.state in WAITING else _waiting_edit(journal, parent)
    if waiting is None:
        return False
    journal.change(waiting, MessageChange(body=draft.body, extra=_extra(draft)))
    return True


def _waiting_edit(journal: Journal, parent: Message) -> Message | None:
    for message in journal.ledger.messages.values():
        if message.parent_id == parent.id and message.mode is MessageMode.EDIT and message.state in WAITING:
            return message
    return None


def _can_be_edited(message: Message) -> bool:
    return message.state is MessageState.SENT or message.state in OUT | WAITING


def _extra(draft: Draft) -> dict[str, Any]:
    return {**draft.extra, "only_edits": True} if draft.only_edits else dict(draft.extra)


def _message(now: datetime, target: MessageTarget, draft: Draft, key: str) -> Message:
    return Message(
        id=derived_id(now, "message", key),
        tier=draft.tier,
        channel=target.channel,
        kind=draft.kind,
        target=target.name,
        created_at=now,
        due_at=draft.due_at or now,
        dedupe_key=key,
        body=draft.body,
        extra=_extra(draft),
        signal_id=draft.signal_id,
        position_id=draft.position_id,
    )


def _as_channel_can(message: Message, channel: Channel, parent: Message | None, *, is_edit: bool) -> Message:
    """Return it as an edit or an answer where its parent is there or may still come, else as a message of its own."""
    if parent is None or not _can_be_edited(parent) or (is_edit and not channel.edits):
        return message
    mode = MessageMode.EDIT if is_edit else MessageMode.REPLY
    return with_parent(message, mode, parent.id)


def with_parent(message: Message, mode: MessageMode, parent_id: str) -> Message:
    """Return the same message as an edit of, or an answer to, another one."""
    values = {name: getattr(message, name) for name in message.__dataclass_fields__}
    return Message(**{**values, "mode": mode, "parent_id": parent_id})
