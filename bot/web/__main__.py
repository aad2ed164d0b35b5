"""`python -m bot.web`: serve the page. The login token comes from WEB_LOGIN_TOKEN, those of persons from
WEB_LOGIN_TOKEN_<NAME>, who they are from WEB_PEOPLE, the store's address (which may hold a password) from WEB_DATABASE.
What stands on a command line can be read by every user of the machine.

Prints one line, `web ready http://HOST:PORT/`, once it listens. Exit code 2: something in the arguments is wrong, or
the port is taken.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from bot.clocks.clock import StandingClock, SystemClock, wall_seconds
from bot.clocks.paced import clock_as_told
from bot.config.loader import LoadedConfig
from bot.config.people import roster_of, roster_of_text, roster_text, user_of_variable
from bot.config.secret_words import login_tokens_of
from bot.domain.actors import Roster
from bot.domain.addresses import is_loopback
from bot.domain.outside import private_parts
from bot.engine.state.ports import Clock
from bot.log import Redacted, guard_last_words, redactor
from bot.web.access import COOKIE, AccessRules
from bot.web.app import create_app
from bot.web.live import Streams
from bot.web.logins import SHORTEST_TOKEN, Doorkeeper, LoginMemory
from bot.web.server import listen, port_of
from bot.web.store_reader import StoreAddress, StoreReader

TOKEN_VARIABLE: Final = "WEB_LOGIN_TOKEN"  # noqa: S105  # the name of the variable, not its value
DATABASE_VARIABLE: Final = "WEB_DATABASE"
PEOPLE_VARIABLE: Final = "WEB_PEOPLE"
WRONG_USE: Final = 2


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bot.web", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--mode", choices=("sim", "paper", "live"), default="sim")
    parser.add_argument("--start-at", help="ISO time with zone at which a simulated clock starts; else the system's")
    parser.add_argument("--speed", type=float, default=1.0, help="simulated seconds per wall second")
    parser.add_argument("--anchor", type=float, help="epoch second at which the simulated clock showed its start")
    parser.add_argument("--pace-fd", type=int, help="open file in which the bot says how far a fast day has come")
    parser.add_argument("--session-hours", type=float, default=12.0, help="how long a login lasts")
    parser.add_argument("--bot-id", default="", help="names the cookie, so that bots on one host keep their logins")
    parser.add_argument("--trusted-proxy", default="", help="address or network of the proxy in front of the page")
    parser.add_argument("--base-path", default="", help="path under which a proxy shows the page, /bot say")
    parser.add_argument("--inbox", default="", help="sim only: where the simulator shows what its services received")
    parser.add_argument("--login-file", default="", help="sim only: a private file in which logins outlive restarts")
    parser.add_argument("--charts", default="", help="folder of the charts' library, that of the environment if empty")
    return parser.parse_args(given)


def _clock(options: argparse.Namespace) -> Clock:
    if options.start_at is None:
        return SystemClock()
    if options.mode == "live":
        raise ValueError("--start-at is not for live: its clock is the system's, always")
    return clock_as_told(options.start_at, options.speed, anchor=options.anchor, pace_fd=options.pace_fd)


def _refuse(words: str) -> int:
    sys.stderr.write(f"web: {words}\n")
    return WRONG_USE


def _server(options: argparse.Namespace, place: StoreAddress, clock: Clock, token: str) -> tuple[Any, Any]:
    memory = LoginMemory(Path(options.login_file)) if options.login_file and options.mode == "sim" else None
    roster, named = _people()
    keeper = Doorkeeper(token, options.session_hours * 3600, wall_seconds, memory, named)
    cookie = "_".join(part for part in (COOKIE, options.bot_id, str(options.port or "")) if part)
    rules = AccessRules(options.host, options.mode == "sim", cookie, options.trusted_proxy, roster)
    charts = Path(options.charts) if options.charts else None
    app = create_app(StoreReader(place, clock), keeper, rules, options.base_path, charts)
    if options.mode == "sim":
        app.jinja_env.globals["inbox"] = options.inbox
    return app, listen(app, options.host, options.port)


def has_login() -> bool:
    """Say whether the environment has a token by which anybody can log in."""
    return bool(os.environ.get(TOKEN_VARIABLE) or login_tokens_of(os.environ))


def _people() -> tuple[Roster, dict[str, str]]:
    """Return who is known and the login tokens by name; raises ValueError for a list that makes no sense."""
    given = os.environ.get(PEOPLE_VARIABLE, "")
    if not given:
        return Roster(), {}
    roster = roster_of_text(given)
    named = {user_of_variable(roster, variable): token for variable, token in login_tokens_of(os.environ).items()}
    return roster, {user: token for user, token in named.items() if user is not None}


def _log_without_secrets() -> None:
    """Write the log, and whatever ends the page, without its token and what is private in the store's address."""
    private = private_parts(os.environ.get(DATABASE_VARIABLE, ""))
    tokens = (os.environ.get(TOKEN_VARIABLE, ""), *login_tokens_of(os.environ).values())
    redact = redactor([each for each in (*tokens, *private) if each])
    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(Redacted("web: %(levelname)s %(message)s", redact))
    logging.basicConfig(level=logging.WARNING, handlers=[lines])
    guard_last_words(redact)


def main(given: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or Ctrl-C; returns the exit code."""
    options = _arguments(given)
    _log_without_secrets()
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    if not has_login() and not is_loopback(options.host):
        return _refuse(f"reading at {options.host} needs a login: set {TOKEN_VARIABLE}, or bind 127.0.0.1")
    if options.mode != "sim" and 0 < len(os.environ.get(TOKEN_VARIABLE, "")) < SHORTEST_TOKEN:
        return _refuse(f"{TOKEN_VARIABLE} has fewer than {SHORTEST_TOKEN} characters: choose a longer one")
    if not os.environ.get(DATABASE_VARIABLE):
        return _refuse(f"set {DATABASE_VARIABLE} to the address of the store, as database.url")
    try:
        place = StoreAddress(os.environ[DATABASE_VARIABLE], options.mode)
        app, server = _server(options, place, _clock(options), os.environ.get(TOKEN_VARIABLE, ""))
    except ValueError as error:
        return _refuse(str(error))
    except OSError as error:
        return _refuse(_taken(options, error))
    return _serve(app, server, options.host)


def serve_alone(config: LoadedConfig, port: int | None, alone: Callable[[], str]) -> int:
    """Serve a store read-only, without a bot, until Ctrl-C; `alone` says who writes it now. Returns the exit code."""
    web = config.settings.web
    given = [
        "--host",
        web.host,
        "--port",
        str(web.port if port is None else port),
        "--mode",
        config.settings.mode.value,
    ]
    given += ["--trusted-proxy", web.trusted_proxy, "--bot-id", config.settings.bot_id, "--base-path", web.base_path]
    options = _arguments(given)
    token = config.secrets.web_login_token or ""
    os.environ.update({**config.secrets.web_login_tokens, PEOPLE_VARIABLE: roster_text(roster_of(config.settings))})
    if not token and not has_login() and not is_loopback(options.host):
        return _refuse(f"reading at {options.host} needs a login: set {TOKEN_VARIABLE}, or bind 127.0.0.1")
    clock = StandingClock(SystemClock().now())
    try:
        app, server = _server(options, StoreAddress(config.settings.database.url, options.mode, alone), clock, token)
    except OSError as error:
        return _refuse(_taken(options, error))
    return _serve(app, server, options.host)


def _taken(options: argparse.Namespace, error: OSError) -> str:
    return f"cannot listen on {options.host}:{options.port}: {error.strerror}; set web.port to a free one"


def _serve(app: Any, server: Any, host: str) -> int:
    streams = app.extensions["streams"]
    signal.signal(signal.SIGTERM, lambda _number, _frame: _leave(streams))
    signal.signal(signal.SIGINT, lambda _number, _frame: _leave(streams))
    print(f"web ready {_address(host, port_of(server))}", flush=True)  # noqa: T201  # the ready line
    server.run()
    return 0


def _address(host: str, port: int) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}/"


def _leave(streams: Streams) -> None:
    # The streams end first: each holds a thread that the server would wait for.
    streams.closing.set()
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main())
