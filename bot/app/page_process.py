"""The page as a child of the bot: started beside it, and again whenever it ends."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import urlencode, urlsplit

from bot.app.background import Background, cancel
from bot.app.child_process import Child, ChildFailed
from bot.app.stages import Stage
from bot.clocks.paced import shared_with, told_of
from bot.config.loader import LoadedConfig
from bot.config.people import roster_of, roster_text
from bot.config.schema import Mode, Settings
from bot.engine.state.ports import Clock

log: Final = logging.getLogger("quanticity")

_RESTART_S: Final = 2.0
_LOOK_S: Final = 5.0
_ANSWER_S: Final = 5.0
_MISSES: Final = 3


def page(config: LoadedConfig, clock: Clock, background: Background) -> list[Stage]:
    """Return the stage that keeps the page's process running, none where no page is wanted; the login token is one for
    the whole run."""
    if not config.settings.web.enabled:
        return []
    token = config.secrets.web_login_token or secrets.token_urlsafe(18)
    secret = {**config.secrets.web_login_tokens, "WEB_LOGIN_TOKEN": token}
    return [background.stage("the page", partial(_keep_page, config.settings, clock, secret))]


async def _keep_page(settings: Settings, clock: Clock, tokens: Mapping[str, str]) -> None:
    token = tokens["WEB_LOGIN_TOKEN"]
    while True:
        secret = {**tokens, "WEB_DATABASE": settings.database.url}  # an address may hold a password
        secret["WEB_PEOPLE"] = roster_text(roster_of(settings))
        arguments = ["-m", "bot.app.child_process", "bot.web", *_page_arguments(settings, clock)]
        child = Child("page", arguments, secret, shared=shared_with(clock))
        await child.start()
        try:
            address = (await child.ready_line("web ready ")).split()[-1].rstrip("/")
            shown = address + settings.web.base_path
            log.info(f"page: {shown}/" + _login_hint(settings, shown, token))
            log.warning(f"the page {await _end_of(child, address)}; starting it again in {_RESTART_S:g} s")
        except ChildFailed as error:
            log.warning(f"{error}; trying again in {_RESTART_S:g} s")
        finally:
            await child.stop()
        await asyncio.sleep(_RESTART_S)


async def _end_of(child: Child, address: str) -> str:
    """Wait until the page ends or hangs; return which, in words."""
    ending, hanging = asyncio.create_task(child.wait()), asyncio.create_task(_until_it_hangs(address))
    try:
        done, _ = await asyncio.wait({ending, hanging}, return_when=asyncio.FIRST_COMPLETED)
        return "ended" if ending in done else f"has not answered {_MISSES} times in a row"
    finally:
        await cancel(hanging)
        await cancel(ending)


async def _until_it_hangs(address: str) -> None:
    misses = 0
    while misses < _MISSES:
        await asyncio.sleep(_LOOK_S)
        misses = 0 if await answers(address) else misses + 1


async def answers(address: str) -> bool:
    """Say whether the page says anything at all within _ANSWER_S; what it says is the watchman's matter."""
    parts = urlsplit(address)
    try:
        async with asyncio.timeout(_ANSWER_S):
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
            try:
                writer.write(f"GET /healthz HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n".encode())
                return (await reader.readline()).startswith(b"HTTP/")
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False


def _login_hint(settings: Settings, address: str, token: str) -> str:
    if settings.mode is not Mode.SIM:
        return ""
    return f"   log in: {address}/login?{urlencode({'token': token})}"


def _page_arguments(settings: Settings, clock: Clock) -> list[str]:
    arguments = [
        "--host", settings.web.host,
        "--port", str(settings.web.port),
        "--mode", settings.mode.value,
        "--session-hours", str(settings.web.session_hours),
        "--bot-id", settings.bot_id,
        "--trusted-proxy", settings.web.trusted_proxy,
        "--base-path", settings.web.base_path,
    ]  # fmt: skip
    if settings.mode is Mode.SIM:
        arguments += ["--login-file", str(Path(settings.sim.state_dir) / f"logins-{settings.bot_id}.json")]
        if settings.sim.services.enabled and settings.sim.services.inbox_port:
            arguments += ["--inbox", f"http://127.0.0.1:{settings.sim.services.inbox_port}/"]
    for name, value in (told_of(clock) or {}).items():
        arguments += [f"--{name.replace('_', '-')}", str(value)]
    return arguments
