"""Who may read and who may act: token login, session cookie, CSRF, Host check and the headers of every answer.

Reading on a loopback address is open, because whoever is on the machine can read the store as well; on any other
address, or through a proxy (any forwarding header, HTTP/1.0 as proxies speak it, or `web.trusted_proxy`), reading needs
the login. Acting always does. The Host header is checked on loopback so
that a foreign site cannot point its own name at 127.0.0.1 and read the page through a visitor's browser (DNS
rebinding).
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from flask import Flask, Response, abort, current_app, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from bot.domain.actors import Role, Roster
from bot.domain.addresses import is_loopback
from bot.domain.events.people import RequestKind
from bot.domain.requests import REQUESTS
from bot.web.bar import standing
from bot.web.logins import Doorkeeper, Visit
from bot.web.questions import may_be_asked
from bot.web.store_reader import reader

COOKIE: Final = "quanticity_visit"
OPEN_ENDPOINTS: Final = frozenset({"static", "access.login", "probes.healthz", "favicon"})
BEARER_ENDPOINTS: Final = frozenset({"probes.metrics", "probes.status"})
FORWARDING: Final = frozenset({"forwarded", "via", "x-real-ip", "true-client-ip", "x-client-ip", "x-cluster-client-ip"})
FORWARDING_FAMILIES: Final = (
    "x-forwarded-", "x-forwarded", "x-original-", "x-proxy", "x-real-", "cf-", "cdn-", "fastly-", "fly-", "x-envoy-",
    "x-amzn-", "x-amz-cf-", "x-azure-", "x-appengine-", "x-vercel-", "tailscale-", "x-remote-",
)  # fmt: skip

_RISING: Final = (Role.APPROVER, Role.OPERATOR, Role.OWNER)

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class AccessRules:
    """What address and mode allow: `login_link` is for sim only, where the token guards nothing but a simulation.

    `cookie` is named by bot and port, so that two bots on one host do not log each other out (cookies know no ports).
    `trusted_proxy` is the address or network of the proxy in front: whatever comes from there came through it.
    `roster` says what whoever logged in may ask for.
    """

    bind_host: str
    login_link: bool
    cookie: str = COOKIE
    trusted_proxy: str = ""
    roster: Roster = field(default_factory=Roster)

    @property
    def loopback(self) -> bool:
        return is_loopback(self.bind_host)

    def trusts(self, address: str) -> bool:
        """Say whether an address is the proxy's."""
        try:
            return bool(self.trusted_proxy) and _is_within(address, self.trusted_proxy)
        except ValueError:
            return False


def _is_within(address: str, network: str) -> bool:
    return ipaddress.ip_address(address) in ipaddress.ip_network(network, strict=False)


def doorkeeper() -> Doorkeeper:
    keeper: Doorkeeper = current_app.extensions["doorkeeper"]
    return keeper


def rules() -> AccessRules:
    found: AccessRules = current_app.extensions["access_rules"]
    return found


def visit() -> Visit:
    here: Visit = g.visit
    return here


def may(kind: str, halted: bool = False) -> bool:
    """Say whether who is looking may ask for this; the bot decides again when it takes the request up."""
    here: Visit | None = g.get("visit")
    if here is None or not here.logged_in or reader().alone():
        return False
    return REQUESTS[RequestKind(kind)].may(rules().roster.at_page(here.user), halted=halted)


def needs_role(kind: str) -> str:
    """Return in words what who is logged in lacks to ask for this; empty where nothing is lacking, or nobody is."""
    here: Visit | None = g.get("visit")
    if here is None or not here.logged_in or reader().alone():
        return ""
    asked, role = REQUESTS[RequestKind(kind)], rules().roster.at_page(here.user)
    least = next((each for each in _RISING if each in asked.roles), None)
    return f"needs the role {least}" if least is not None and role not in asked.roles else ""


def is_asked(kind: str) -> bool:
    """Say whether a question may come before a request goes out."""
    return may_be_asked(REQUESTS[RequestKind(kind)])


def came_through_proxy() -> bool:
    """Say whether anything shows that somebody else handed this request on."""
    return (
        rules().trusts(request.remote_addr or "")
        or request.environ.get("SERVER_PROTOCOL") == "HTTP/1.0"  # no browser speaks it, proxies do by default
        or any(is_forwarding(name) for name, _ in request.headers)
    )


def is_forwarding(header: str) -> bool:
    """Say whether a header is one that proxies add."""
    name = header.lower()
    return name in FORWARDING or name.startswith(FORWARDING_FAMILIES)


def reading_is_open() -> bool:
    """Say whether this request may read without a login: loopback, asked directly."""
    return rules().loopback and not came_through_proxy()


def safe_next(target: str) -> str:
    """Return a path on this page to go to, the overview for anything that could lead elsewhere."""
    parts = urlsplit(target)
    is_ours = target.startswith("/") and not target.startswith("//") and "\\" not in target
    if not is_ours or parts.scheme or parts.netloc or any(ord(letter) < 32 for letter in target):
        return "/"
    return target


def _host_name() -> str:
    # Taken from the header itself: a malformed host must be refused, not repaired.
    return urlsplit(f"//{request.headers.get('Host', '')}").hostname or ""


def _open_visit() -> None:
    g.visit_is_new = False
    known = doorkeeper().unseal(request.cookies.get(rules().cookie, ""))
    if known is None:
        known = doorkeeper().new_visit()
        g.visit_is_new = True
    g.visit = known


def guard() -> AnyResponse | None:
    """Let a request in, or answer it: wrong host, no login, no CSRF token."""
    _open_visit()
    if rules().loopback and not came_through_proxy() and not is_loopback(_host_name()):
        abort(421, "This page answers to 127.0.0.1 and localhost only.")
    if request.method not in {"GET", "HEAD", "OPTIONS", "POST"}:
        abort(405)
    if request.method == "POST":
        if request.endpoint == "actions.act" and (words := reader().alone()):
            abort(409, f"Nothing was sent. {words}")
        return _guard_post()
    if request.endpoint in OPEN_ENDPOINTS or visit().logged_in or reading_is_open() or _bearer():
        return None
    if request.accept_mimetypes.best == "text/event-stream" or request.path.startswith("/api/"):
        abort(401, "Log in first.")
    return redirect(url_for("access.login", next=request.full_path.rstrip("?")))


def _bearer() -> bool:
    """Scrapers log in by header on the two endpoints that are made for them; failures count as those of the form."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if request.endpoint not in BEARER_ENDPOINTS or scheme.lower() != "bearer" or not token:
        return False
    return bool(_try_token(token))


def _guard_post() -> AnyResponse | None:
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        abort(403, "This form was sent from another site.")
    if not doorkeeper().csrf_matches(visit(), request.form.get("csrf", "")):
        abort(403, "This form is too old. Go back, reload the page and try again.")
    if request.endpoint != "access.login" and not visit().logged_in:
        return redirect(url_for("access.login", next=safe_next(request.form.get("next", "/"))), 303)
    return None


def _address() -> str:
    """Return where a request comes from; behind the trusted proxy, the last hop of its header that is not itself."""
    address = request.remote_addr or "unknown"
    if not rules().trusts(address):
        return address
    hops = [hop.strip() for hop in ",".join(request.headers.getlist("X-Forwarded-For")).split(",")]
    return next((hop for hop in reversed(hops) if hop and not rules().trusts(hop)), address)[:64]


def _try_token(token: str) -> str:
    """Return whose token this is, empty for nobody's. The right one always opens: a stranger's guesses, which behind a
    proxy share the operator's address, lock nobody out. Against guessing stands the token's length; a source that
    guesses on is told 429.
    """
    if user := doorkeeper().whose(token):
        return user
    wait = doorkeeper().wait_seconds(_address())
    if wait > 0:
        abort(429, f"Too many attempts. Wait {wait:.0f} seconds.")
    doorkeeper().count_failure(_address())
    current_app.logger.warning("login refused from %s", _address())
    return ""


def _let_in(user: str, target: str) -> AnyResponse:
    g.visit = doorkeeper().new_visit(user)
    g.visit_is_new = True
    return redirect(safe_next(target), 303)


def login() -> Any:
    """The login form; in sim also the ready link, which leaves no token in the address bar."""
    target = request.values.get("next", "/")
    if request.method == "GET" and rules().login_link and request.args.get("token"):
        if user := _try_token(request.args["token"]):
            return _let_in(user, target)
        return render_template("web/login.html", next=target, error="This link is not valid any more."), 403
    if request.method == "GET":
        return render_template("web/login.html", next=target, error="")
    if user := _try_token(request.form.get("token", "").strip()):
        return _let_in(user, target)
    return render_template("web/login.html", next=target, error="That is not the token."), 403


def logout() -> AnyResponse:
    doorkeeper().end(visit())
    g.visit = doorkeeper().new_visit()
    g.visit_is_new = True
    return redirect("/", 303)


def _finish(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.endpoint == "access.login":
        response.headers["Referrer-Policy"] = "no-referrer"
    where = response.headers.get("Location", "")
    if where.startswith("/") and request.script_root and not where.startswith(f"{request.script_root}/"):
        response.headers["Location"] = request.script_root + where  # paths are written as if the page stood at the root
    if g.get("visit_is_new") and request.endpoint not in {"static", "favicon", "probes.healthz", "probes.metrics"}:
        secure = request.is_secure or request.headers.get("X-Forwarded-Proto") == "https"
        path, sealed = f"{request.script_root}/", doorkeeper().seal(visit())
        response.set_cookie(rules().cookie, sealed, httponly=True, samesite="Lax", secure=secure, path=path)
    return response


def install(app: Flask, keeper: Doorkeeper, access: AccessRules) -> None:
    """Put the door into an application: guard before, headers after, login and logout."""
    app.extensions["doorkeeper"] = keeper
    app.extensions["access_rules"] = access
    app.before_request(guard)
    app.after_request(_finish)
    app.add_url_rule("/login", "access.login", login, methods=["GET", "POST"])
    app.add_url_rule("/logout", "access.logout", logout, methods=["POST"])
    app.context_processor(_viewer)
    for each in (may, needs_role, is_asked):  # globals, for macros see no context
        app.jinja_env.globals[each.__name__] = each


def _viewer() -> dict[str, Any]:
    here = g.get("visit") or doorkeeper().new_visit()
    may_read, alone = here.logged_in or reading_is_open(), reader().alone()
    return {
        "may_read": may_read,
        **(standing(reader().glance(), alone) if may_read else {}),
        "alone": alone,
        "viewer": here,
        "csrf": doorkeeper().csrf(here),
        "here": safe_next(request.full_path.rstrip("?")),
    }
