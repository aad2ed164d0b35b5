"""The bot, its menus, its chats and their members at the simulated Bot API."""

from __future__ import annotations

from typing import Any

from bot.sim.services.book import ServiceBook
from bot.sim.services.telegram_fields import TelegramRefused, json_of, scope_of, whole
from bot.sim.services.telegram_messages import open_chat
from bot.sim.services.telegram_people import BOT_USER, TelegramPeople, chat_of, user
from bot.sim.services.web_service import ServiceRequest

_MOST_COMMANDS, _LONGEST_COMMAND = 100, 32


class TelegramChats:
    """Who and where the bot is."""

    def __init__(self, book: ServiceBook, people: TelegramPeople) -> None:
        self.book, self.people = book, people

    async def get_me(self, _request: ServiceRequest) -> dict[str, Any]:
        joins = {"can_join_groups": True, "can_read_all_group_messages": False, "supports_inline_queries": False}
        return {**BOT_USER, **joins}

    async def set_my_commands(self, request: ServiceRequest) -> bool:
        commands = json_of(request.fields.get("commands")) or []
        if len(commands) > _MOST_COMMANDS:
            raise TelegramRefused(400, "Bad Request: BOT_COMMANDS_TOO_MUCH")
        if any(not 1 <= len(str(each.get("command", ""))) <= _LONGEST_COMMAND for each in commands):
            raise TelegramRefused(400, "Bad Request: BOT_COMMAND_INVALID")
        self.book.menus[scope_of(request)] = commands
        self.book.changed()
        return True

    async def delete_my_commands(self, request: ServiceRequest) -> bool:
        self.book.menus.pop(scope_of(request), None)
        return True

    async def get_my_commands(self, request: ServiceRequest) -> list[dict[str, str]]:
        return self.book.menus.get(scope_of(request), [])

    async def get_chat(self, request: ServiceRequest) -> dict[str, Any]:
        return chat_of(open_chat(self.people, request)) | {"accent_color_id": 0, "max_reaction_count": 11}

    async def get_chat_member(self, request: ServiceRequest) -> dict[str, Any]:
        place = open_chat(self.people, request)
        person = self.book.person(whole(request.fields.get("user_id"), 0))
        return {"status": "member" if person.id in place.members else "left", "user": user(person)}

    async def create_chat_invite_link(self, request: ServiceRequest) -> dict[str, Any]:
        place = open_chat(self.people, request)
        return {
            "invite_link": f"https://t.example/+{place.id.lstrip('-')}-{self.book.changes}",
            "creator": BOT_USER,
            "creates_join_request": False,
            "is_primary": False,
            "is_revoked": False,
        }

    async def ban_chat_member(self, request: ServiceRequest) -> bool:
        place, user_id = open_chat(self.people, request), whole(request.fields.get("user_id"), 0)
        place.members = [each for each in place.members if each != user_id]
        self.book.changed()
        return True

    async def yes(self, _request: ServiceRequest) -> bool:
        return True
