"""The page put together: door, pages, actions, streams, probes, and plain answers when something is wrong."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Final

from flask import Flask, Response, render_template, request, send_from_directory
from jinja2 import StrictUndefined
from werkzeug.exceptions import HTTPException, InternalServerError

from bot.charts.bundle import bundle, home
from bot.domain.errors import StoreError
from bot.web import (
    access,
    actions,
    as_json,
    configuring,
    formats,
    judging,
    live,
    markets,
    moving,
    packing,
    pages,
    performing,
    plots,
    probes,
    rows_shown,
    strategies,
    trades,
    watching,
    words,
)
from bot.web.logins import Doorkeeper
from bot.web.notices import notice
from bot.web.places import KEY_PLACES, ON_A_PHONE, PLACES
from bot.web.questions import Questions
from bot.web.server import LARGEST_BODY
from bot.web.store_reader import StoreReader

TEMPLATES: Final = Path(__file__).resolve().parents[2] / "templates"
STATIC: Final = Path(__file__).resolve().parent / "static"

BLUEPRINTS: Final = (
    pages.blueprint, trades.blueprint, performing.blueprint, plots.blueprint,
    configuring.blueprint,
    watching.blueprint, strategies.blueprint, as_json.blueprint,
    markets.blueprint, moving.blueprint, actions.blueprint, live.blueprint,
    probes.blueprint, rows_shown.blueprint, judging.blueprint,
)  # fmt: skip

_log = logging.getLogger(__name__)


def create_app(
    reader: StoreReader,
    keeper: Doorkeeper,
    rules: access.AccessRules,
    base_path: str = "",
    charts: Path | None = None,
) -> Flask:
    """Return the page's application; nothing is read before the first request. `base_path` is where a proxy shows it,
    empty for the root; `charts` the folder of the charts' library, that of the environment when None."""
    app = Flask("quanticity", template_folder=str(TEMPLATES), static_folder=str(STATIC), static_url_path="/static")
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(formats.FILTERS)
    app.jinja_env.filters.update(words.FILTERS)
    app.jinja_env.globals.update(active="", base=base_path, inbox="")
    app.jinja_env.globals.update(places=PLACES, on_a_phone=ON_A_PHONE, key_places=KEY_PLACES)
    app.extensions["reader"] = reader
    app.extensions["charts"] = found = bundle(charts or home())
    app.jinja_env.globals["charts_library"] = found
    app.extensions["questions"] = Questions(reader.clock.monotonic)
    app.extensions["streams"] = live.Streams(reader.clock)
    access.install(app, keeper, rules)
    packing.install(app)
    app.jinja_env.globals["json_beside"] = as_json.json_beside
    app.context_processor(notice)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    app.add_url_rule("/favicon.svg", "favicon", _favicon)
    app.add_url_rule("/favicon.ico", "favicon", _favicon)
    app.register_error_handler(HTTPException, _http_problem)
    app.register_error_handler(StoreError, _store_problem)
    app.register_error_handler(Exception, _fault)
    if base_path:
        app.wsgi_app = _Below(app.wsgi_app, base_path)  # type: ignore[method-assign]
    return app


class _Below:
    """Serves the application below a path, whether the proxy leaves that path on a request or takes it off."""

    def __init__(self, app: Any, base_path: str) -> None:
        self._app, self._base_path = app, base_path

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        path = environ.get("PATH_INFO", "")
        if path == self._base_path or path.startswith(f"{self._base_path}/"):
            path = path[len(self._base_path) :]
        environ["SCRIPT_NAME"], environ["PATH_INFO"] = self._base_path, path or "/"
        return self._app(environ, start_response)


def _favicon() -> Response:
    return send_from_directory(STATIC, "favicon.svg", mimetype="image/svg+xml")


def _wants_page() -> bool:
    accepted = request.accept_mimetypes
    return (not accepted or accepted.accept_html) and not request.path.startswith(
        ("/api/", "/healthz", "/metrics", "/events", "/parts")
    )


def _problem(code: int, title: str, text: str) -> Any:
    if not _wants_page():
        return {"error": f"{title}: {text}"}, code
    return render_template("web/problem.html", title=title, text=text), code


def _http_problem(error: HTTPException) -> Any:
    if error.code is None or error.code < 400:
        return error
    return _problem(error.code, error.name, error.description or "")


def _store_problem(error: StoreError) -> Any:
    return _problem(503, "The store cannot be read", f"{error}. Reload the page in a moment.")


def _fault(error: Exception) -> Any:
    # The edge of the page: whoever looks gets a plain sentence, the log gets the traceback (no form, no token).
    _log.error("fault on %s %s", request.method, request.path, exc_info=error)
    fault = InternalServerError()
    return _problem(500, fault.name, "Something is wrong with this page; the bot is another process and goes on.")
