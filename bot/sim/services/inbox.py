"""The inbox: a page of the simulator that shows what each chat, channel, mailbox and webhook received, and when, with
buttons that press and a field that speaks. Who has no phone steers from here.

It answers on loopback only and to its own forms only: the Host header is checked, that no foreign name leads here, and
each form carries a word that only its own pages know. A program sends the header `X-Quanticity-Inbox` instead, which no
page of another site may set.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import secrets
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from aiohttp import web

from bot.domain.addresses import is_loopback
from bot.sim.services.book import Service, ServiceBook, ServicePerson
from bot.sim.services.faults import SPOKEN, FaultBoard
from bot.sim.services.inbox_actions import InboxDesk, NotDone, act
from bot.sim.services.inbox_view import SeenMessage, clock_of, nothing_yet, people_of, place_views, tab_views
from bot.sim.services.model import ModelMode, SimulatedModel
from bot.sim.services.telegram_people import TelegramPeople

if TYPE_CHECKING:
    from jinja2 import Environment

PROGRAM_HEADER: Final = "X-Quanticity-Inbox"
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_TEMPLATES: Final = Path(__file__).resolve().parents[3] / "templates"
_STATIC: Final = Path(__file__).resolve().parent / "static"
_KINDS: Final = {".css": "text/css", ".js": "text/javascript"}
_LARGEST_FORM: Final = 64 * 1024
_LONGEST_WAIT_S: Final = 20.0
_CALLS_SHOWN: Final = 30
_FAULTS: Final = "faults"


class InboxPage:
    """The page. `page_address` is where the bot's own page is, empty where nobody knows."""

    def __init__(
        self,
        book: ServiceBook,
        board: FaultBoard,
        people: TelegramPeople,
        model: SimulatedModel,
        page_address: str = "",
    ) -> None:
        self._book, self._board = book, board
        self._desk = InboxDesk(book, board, people, model)
        self.page_address = page_address
        self._word = secrets.token_urlsafe(24)
        self._news = asyncio.Event()
        self._closing = False
        self._runner: web.AppRunner | None = None
        self._environment: Environment | None = None
        book.listeners.append(self._news.set)

    async def serve(self, listening: socket.socket) -> None:
        app = web.Application(client_max_size=_LARGEST_FORM, middlewares=[self._guarded])
        app.add_routes(
            [
                web.get("/", self._page),
                web.get("/book.json", self._as_json),
                web.get("/wait", self._wait),
                web.get("/favicon.ico", self._no_icon),
                web.get("/static/{name}", self._static),
                web.get("/picture/{key}", self._picture),
                web.post("/do", self._do),
            ]
        )
        runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.1)
        await runner.setup()
        self._runner = runner
        await web.SockSite(runner, listening).start()

    async def stop(self) -> None:
        self._closing = True
        self._news.set()
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    # ---- the door

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if not is_loopback(urlsplit(f"//{request.headers.get('Host', '')}").hostname or ""):
            raise web.HTTPMisdirectedRequest(text="This page answers to 127.0.0.1 and localhost only.")
        try:
            response: web.StreamResponse = await handler(request)
        except web.HTTPException as problem:
            problem.headers.update(HEADERS)
            raise
        response.headers.update(HEADERS)
        return response

    async def _form(self, request: web.Request) -> Mapping[str, str]:
        """Return a form that is one of ours; raises 403 for another's."""
        if request.content_type == "application/json":
            given = await request.json()
            form = {str(key): str(value) for key, value in given.items()} if isinstance(given, dict) else {}
        else:
            form = {key: value for key, value in (await request.post()).items() if isinstance(value, str)}
        from_program = PROGRAM_HEADER in request.headers
        same_site = request.headers.get("Sec-Fetch-Site", "same-origin") in {"same-origin", "none"}
        if not same_site or not (
            from_program or hmac.compare_digest(form.get("csrf", "").encode(), self._word.encode())
        ):
            raise web.HTTPForbidden(text="This form is not of this page, or too old. Go back and reload.")
        return form

    # ---- pages

    async def _page(self, request: web.Request) -> web.Response:
        query = request.query
        shown = query.get("service", Service.TELEGRAM.value)
        person = self._speaker(query.get("as", ""))
        common = {
            "csrf": self._word,
            "person": person,
            "people": people_of(self._book),
            "tabs": tab_views(self._book, shown),
            "faults_on": len(self._board.in_force()) + bool(self._board.random_share),
            "service": shown,
            "page_address": self.page_address,
            "notice": query.get("notice", "")[:300],
            "changes": self._book.changes,
        }
        if shown == _FAULTS:
            return self._render("inbox/faults.html", **common, **self._faults())
        service = Service(shown) if shown in set(Service) else Service.TELEGRAM
        chat, _, message = query.get("reply", "").partition(":")
        seen = SeenMessage(service, person, chat, int(message) if message.isdigit() else 0)
        places = place_views(self._book, seen)
        return self._render("inbox/inbox.html", **common, places=places, nothing=nothing_yet(service))

    def _speaker(self, wanted: str) -> ServicePerson:
        people = self._book.people
        if wanted.isdigit() and int(wanted) in people:
            return people[int(wanted)]
        return next(iter(people.values()), ServicePerson(1, "somebody"))

    def _faults(self) -> dict[str, Any]:
        calls = list(self._book.calls)[-_CALLS_SHOWN:][::-1]
        return {
            "standing": self._board.in_force(),
            "spoken": [(service.value, bend.value) for service, bends in SPOKEN.items() for bend in bends],
            "random_share": self._board.random_share,
            "modes": [mode.value for mode in ModelMode],
            "model": self._desk.model,
            "calls": [{"call": each, "at": clock_of(each.stamp)} for each in calls],
            "chats": [place for place in self._book.of(Service.TELEGRAM) if place.kind != "private"],
            "gone": {int(p.id) for p in self._book.of(Service.TELEGRAM) if p.gone and p.kind == "private"},
        }

    def _render(self, template: str, **values: Any) -> web.Response:
        text = self._templates().get_template(template).render(**values)
        return web.Response(text=text, content_type="text/html")

    def _templates(self) -> Environment:
        if self._environment is None:  # loaded when somebody first looks
            from jinja2 import Environment, FileSystemLoader, StrictUndefined

            self._environment = Environment(
                loader=FileSystemLoader(_TEMPLATES),
                autoescape=True,
                undefined=StrictUndefined,
                trim_blocks=True,
                lstrip_blocks=True,
            )
        return self._environment

    async def _static(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        kind = _KINDS.get(Path(name).suffix)
        path = _STATIC / name
        if kind is None or path.parent != _STATIC or not path.is_file():
            raise web.HTTPNotFound(text="There is no such file.")
        return web.Response(body=path.read_bytes(), content_type=kind, charset="utf-8")

    async def _no_icon(self, _request: web.Request) -> web.Response:
        return web.Response(status=204)

    async def _picture(self, request: web.Request) -> web.Response:
        content = self._book.pictures.get(request.match_info["key"])
        if content is None:
            raise web.HTTPNotFound(text="The picture is no longer kept.")
        return web.Response(body=content, content_type="image/png")

    # ---- for programs, and for the page's script

    async def _as_json(self, _request: web.Request) -> web.Response:
        places = [{"key": p.key, "most_in_a_minute": p.most_in_a_minute()} for p in self._book.places.values()]
        content = {
            **self._book.snapshot(),
            "rates": places,
            "calls": [asdict(call) for call in self._book.calls],
            "faults": [each.fault.model_dump(mode="json") | {"number": each.number} for each in self._board.in_force()],
            "model": self._desk.model.mode.value,
        }
        return web.Response(text=json.dumps(content), content_type="application/json")

    async def _wait(self, request: web.Request) -> web.Response:
        """Answer once the book is another one than the one that was seen, or after a while."""
        seen = request.query.get("since", "")
        until = asyncio.get_running_loop().time() + _LONGEST_WAIT_S
        while not self._closing and str(self._book.changes) == seen:
            left = until - asyncio.get_running_loop().time()
            if left <= 0 or request.transport is None or request.transport.is_closing():
                break
            self._news.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), min(left, 1.0))
        return web.Response(text=json.dumps({"changes": self._book.changes}), content_type="application/json")

    async def _do(self, request: web.Request) -> web.Response:
        form = await self._form(request)
        wants_json = "application/json" in request.headers.get("Accept", "")
        try:
            said = act(self._desk, form)
        except NotDone as error:
            if wants_json:
                return web.json_response({"done": False, "words": str(error)}, status=400)
            said = f"Not done: {error}"
        if wants_json:
            return web.json_response({"done": True, "words": said})
        raise web.HTTPSeeOther(_back_to(form, said))


def _back_to(form: Mapping[str, str], said: str) -> str:
    """Return where a form's sender goes next: a view of this page, with what was said."""
    from urllib.parse import urlencode

    back = {"service": form.get("service_shown", "telegram"), "as": form.get("as_shown") or form.get("as", "")}
    if said:
        back["notice"] = said
    return f"/?{urlencode(back)}"
