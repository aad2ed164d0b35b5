"""How an update is answered: by a message, over the one before, or page by page."""

from __future__ import annotations

from dataclasses import dataclass

from bot.admin.case import ChatCase
from bot.admin.pressing import PAGES_S, Gone, Offers
from bot.admin.sender import Next, Sender, nothing
from bot.admin.texts import ChatAnswer, ChatReply


@dataclass(frozen=True, slots=True)
class ShownPages:
    """The pages of a long answer."""

    answer: ChatAnswer


class ChatPages:
    """Answers go out on their own time, by the sender."""

    def __init__(self, sender: Sender, offers: Offers) -> None:
        self._sender, self._offers = sender, offers

    def reply(self, case: ChatCase, reply: ChatReply, *, in_place: bool = False, then: Next = nothing) -> None:
        """Answer an update: a press in a word at the button too, `in_place` over the message that has it."""
        incoming = case.incoming
        if incoming.is_press:
            self._sender.toast(incoming.press_id, reply.text.partition("\n")[0])
        replaces = incoming.message_id if in_place else None
        self._sender.say(incoming.chat_id, reply, replaces=replaces, then=then)

    def show(self, case: ChatCase, answer: ChatAnswer, number: int, token: str = "") -> None:
        """Show one page of an answer, with buttons to its neighbours."""
        pages = answer.pages
        page = pages[number]
        if len(pages) > 1:
            token = token or self._offers.make(case.incoming.user_id, ShownPages(answer), lasts_s=PAGES_S)
            there = ((number - 1, "◂ back"), (number + 1, f"{number + 2} of {len(pages)} ▸"))
            turns = tuple((label, f"page:{token}:{at}") for at, label in there if 0 <= at < len(pages))
            page = ChatReply(page.text, page.table, turns)
        self.reply(case, page, in_place=number > 0 or case.incoming.is_press)
        if answer.picture is not None and number == 0:
            self._sender.draw(case.incoming.chat_id, answer.picture)

    async def page(self, case: ChatCase, rest: str) -> None:
        """Turn to the page that a button names; raises Gone."""
        token, _, number = rest.partition(":")
        shown: ShownPages = self._offers.look(token, case.incoming.user_id).what
        pages = shown.answer.pages
        if not number.isdigit() or int(number) >= len(pages):
            raise Gone("There is no such page.")
        self.show(case, shown.answer, int(number), token)
