"""Who may read, who may act, and how the door answers everybody else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from bot.clocks.clock import ManualClock
from bot.store import read as ask
from bot.store.database import open_reader
from bot.web.access import AccessRules, safe_next
from bot.web.app import create_app
from bot.web.logins import FAILURE_WINDOW_S, FAILURES_ALLOWED, Doorkeeper, LoginMemory
from bot.web.store_reader import StoreAddress, StoreReader
from tests.web.conftest import AppMaker, CsrfReader, StoreBuilder

READING = ("/", "/position/POSRUN", "/signal/SIGRUN", "/machines", "/audit", "/parts", "/api/status", "/metrics")
ACTIONS = ("pause", "resume", "approve", "reject", "close", "flatten")


@pytest.mark.parametrize("path", READING)
def test_anybody_on_loopback_may_read(page: FlaskClient, path: str) -> None:
    assert page.get(path).status_code == 200


@pytest.mark.parametrize("path", READING)
def test_reading_on_any_other_address_needs_the_login(make_app: AppMaker, store: StoreBuilder, path: str) -> None:
    page = make_app(store.url, host="0.0.0.0").test_client()
    answer = page.get(path, headers={"Host": "bot.example"})
    assert answer.status_code in {302, 401}
    assert b"SPX" not in answer.data


@pytest.mark.parametrize(
    "header",
    [
        "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "Forwarded",
        "Via", "X-Real-IP", "CF-Connecting-IP", "CF-Ray", "cf-visitor", "True-Client-IP", "X-Client-IP",
        "Fly-Client-IP", "X-Forwarded-Server",
        "Tailscale-User-Login", "X-Amzn-Trace-Id", "X-Original-URL", "X-Envoy-External-Address",
    ],
)  # fmt: skip
def test_reading_through_a_proxy_needs_the_login_even_on_loopback(page: FlaskClient, header: str) -> None:
    assert page.get("/", headers={header: "203.0.113.9"}).status_code == 302
    assert page.get("/", headers={header: "203.0.113.9", "Host": "bot.example"}).status_code == 302


def test_a_proxy_that_adds_no_header_shows_by_its_protocol(page: FlaskClient) -> None:
    assert page.get("/", environ_overrides={"SERVER_PROTOCOL": "HTTP/1.0"}).status_code == 302


def test_whatever_comes_from_the_trusted_proxy_needs_the_login(page: FlaskClient) -> None:
    page.application.extensions["access_rules"] = AccessRules("127.0.0.1", False, trusted_proxy="127.0.0.0/8")
    assert page.get("/").status_code == 302
    assert page.get("/", headers={"Host": "bot.example"}).status_code == 302
    assert page.get("/healthz").status_code == 200


@pytest.mark.parametrize("path", ["/metrics", "/api/status"])
def test_a_scraper_logs_in_by_header(make_app: AppMaker, store: StoreBuilder, token: str, path: str) -> None:
    page = make_app(store.url, host="0.0.0.0").test_client()
    assert page.get(path, headers={"Authorization": f"Bearer {token}"}).status_code == 200
    assert page.get(path, headers={"Authorization": "Bearer wrong"}).status_code in {302, 401}


def test_the_watchman_needs_no_login(make_app: AppMaker, store: StoreBuilder) -> None:
    page = make_app(store.url, host="0.0.0.0").test_client()
    assert page.get("/healthz").status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8080", "", "127.0.0.1.evil.example"])
def test_a_foreign_host_name_on_loopback_is_refused(page: FlaskClient, host: str) -> None:
    assert page.get("/", headers={"Host": host}).status_code == 421


@pytest.mark.parametrize("kind", ACTIONS)
def test_an_action_without_login_writes_nothing(
    page: FlaskClient, csrf_of: CsrfReader, store: StoreBuilder, kind: str
) -> None:
    form = {"csrf": csrf_of(page), "target": "SIGWAIT", "confirmed": "yes"}
    answer = page.post(f"/actions/{kind}", data=form)
    assert answer.status_code == 303
    assert answer.location.startswith("/login")
    assert _commands(store.url) == []


@pytest.mark.parametrize("csrf", ["", "0" * 64, None])
def test_an_action_without_the_form_token_writes_nothing(
    operator: FlaskClient, store: StoreBuilder, csrf: str | None
) -> None:
    form = {} if csrf is None else {"csrf": csrf}
    assert operator.post("/actions/pause", data=form).status_code == 403
    assert _commands(store.url) == []


def test_a_form_from_another_site_is_refused(operator: FlaskClient, csrf_of: CsrfReader, store: StoreBuilder) -> None:
    form = {"csrf": csrf_of(operator, "/")}
    assert operator.post("/actions/pause", data=form, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert _commands(store.url) == []


def test_the_form_token_of_one_visitor_is_worth_nothing_to_another(
    operator: FlaskClient, make_app: AppMaker, store: StoreBuilder, csrf_of: CsrfReader
) -> None:
    stranger = operator.application.test_client()
    assert operator.post("/actions/pause", data={"csrf": csrf_of(stranger)}).status_code == 403


def test_the_ready_link_of_sim_leaves_no_token_in_the_address(page: FlaskClient, token: str) -> None:
    answer = page.get(f"/login?token={token}")
    assert (answer.status_code, answer.location) == (303, "/")
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert b"Log out" in page.get("/").data


def test_the_ready_link_works_more_than_once(page: FlaskClient, token: str) -> None:
    for _ in range(3):
        assert page.application.test_client().get(f"/login?token={token}").status_code == 303


def test_outside_sim_a_token_in_the_address_lets_nobody_in(make_app: AppMaker, store: StoreBuilder, token: str) -> None:
    page = make_app(store.url, mode="paper").test_client()
    assert page.get(f"/login?token={token}").status_code == 200
    assert b"Log out" not in page.get("/").data


def test_too_many_wrong_tokens_must_wait_and_the_right_one_opens_all_the_same(
    page: FlaskClient, csrf_of: CsrfReader, token: str, clock: ManualClock
) -> None:
    csrf = csrf_of(page)
    for _ in range(FAILURES_ALLOWED):
        assert page.post("/login", data={"csrf": csrf, "token": "guess"}).status_code == 403
    assert page.post("/login", data={"csrf": csrf, "token": "guess"}).status_code == 429
    operator = page.application.test_client()
    assert operator.post("/login", data={"csrf": csrf_of(operator), "token": token}).status_code == 303
    clock.advance(FAILURE_WINDOW_S + 1)
    assert page.post("/login", data={"csrf": csrf, "token": "guess"}).status_code == 403


def test_behind_the_trusted_proxy_each_visitor_is_counted_for_himself(page: FlaskClient, csrf_of: CsrfReader) -> None:
    page.application.extensions["access_rules"] = AccessRules("127.0.0.1", False, trusted_proxy="127.0.0.1")
    csrf = csrf_of(page)

    def guess(visitor: str) -> int:
        form = {"csrf": csrf, "token": "guess"}
        return page.post("/login", data=form, headers={"X-Forwarded-For": f"9.9.9.9, {visitor}"}).status_code

    assert [guess("203.0.113.9") for _ in range(FAILURES_ALLOWED + 1)][-1] == 429
    assert guess("203.0.113.10") == 403


def test_a_login_ends_after_its_hours(operator: FlaskClient, clock: ManualClock) -> None:
    assert b"Log out" in operator.get("/").data
    clock.advance(3601)
    assert b"Log out" not in operator.get("/").data


def test_logging_out_ends_the_login(operator: FlaskClient, csrf_of: CsrfReader) -> None:
    operator.post("/logout", data={"csrf": csrf_of(operator, "/")})
    assert b"Log out" not in operator.get("/").data


def test_a_copy_of_the_cookie_is_worth_nothing_after_the_logout(operator: FlaskClient, csrf_of: CsrfReader) -> None:
    cookie = operator.get_cookie("quanticity_visit")
    assert cookie is not None
    operator.post("/logout", data={"csrf": csrf_of(operator, "/")})
    thief = operator.application.test_client()
    thief.set_cookie("quanticity_visit", cookie.value)
    assert b"Log out" not in thief.get("/").data


def test_two_bots_on_one_host_keep_each_others_logins(make_app: AppMaker, store: StoreBuilder) -> None:
    names = []
    for cookie in ("quanticity_visit_one_8080", "quanticity_visit_two_8081"):
        app = make_app(store.url)
        app.extensions["access_rules"] = AccessRules("127.0.0.1", True, cookie)
        names.append(app.test_client().get("/").headers["Set-Cookie"].partition("=")[0])
    assert names == ["quanticity_visit_one_8080", "quanticity_visit_two_8081"]


def test_without_a_configured_token_nobody_logs_in(
    make_app: AppMaker, store: StoreBuilder, csrf_of: CsrfReader
) -> None:
    page = make_app(store.url, token="").test_client()
    assert page.post("/login", data={"csrf": csrf_of(page), "token": ""}).status_code == 403


def test_below_a_path_every_link_redirect_and_cookie_keeps_to_it(
    clock: ManualClock, store: StoreBuilder, token: str
) -> None:
    reader, rules = StoreReader(StoreAddress(store.url, "sim"), clock), AccessRules("127.0.0.1", login_link=True)
    page = create_app(reader, Doorkeeper(token, 3600, clock.monotonic), rules, "/bot").test_client()
    pages = ("", "machines", "audit?query=trades", "alerts", "position/POSRUN", "signal/SIGWAIT", "login", "nowhere")
    for path in (f"/{path}" for path in pages):
        for way in (f"/bot{path}", path):  # a proxy may leave the path on a request or take it off
            text = page.get(way).get_data(as_text=True)
            found = re.findall(r'(?:href|src|action|data-events|data-poll)="(/[^"]*)"', text)
            assert found
            assert [link for link in found if not link.startswith("/bot/")] == [], way
    entered = page.get(f"/bot/login?token={token}&next=/machines")
    assert entered.headers["Location"] == "/bot/machines"
    assert "Path=/bot/" in entered.headers["Set-Cookie"]
    pause = re.search(r'name="csrf" value="([0-9a-f]+)"', page.get("/bot/").get_data(as_text=True))
    assert pause is not None
    sent = page.post("/bot/actions/pause", data={"csrf": pause.group(1), "next": "/"})
    assert sent.headers["Location"].startswith("/bot/?sent=")


def test_in_sim_a_login_outlives_a_restart_and_a_logout_does_too(clock: ManualClock, tmp_path: Path) -> None:
    memory = LoginMemory(tmp_path / "state" / "logins.json")
    before = Doorkeeper("token", 3600, clock.monotonic, memory)
    kept, ended = before.new_visit("operator"), before.new_visit("operator")
    before.end(ended)
    after = Doorkeeper("another token", 3600, clock.monotonic, memory)
    assert after.unseal(before.seal(kept)) == kept
    assert after.unseal(before.seal(ended)) is None
    assert memory.file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["", "{", "[]", '{"key": 3, "logins": {}}', '{"key": "zz", "logins": {}}', "\xff"])
def test_a_damaged_file_of_logins_costs_the_logins_alone(clock: ManualClock, tmp_path: Path, text: str) -> None:
    memory = LoginMemory(tmp_path / "logins.json")
    memory.file.write_bytes(text.encode("latin-1"))
    keeper = Doorkeeper("token", 3600, clock.monotonic, memory)
    visit = keeper.new_visit("operator")
    assert keeper.unseal(keeper.seal(visit)) == visit


def test_a_forged_cookie_is_a_stranger(page: FlaskClient) -> None:
    page.set_cookie("quanticity_visit", "WyJhIiwib3BlcmF0b3IiLDBd.forged")
    assert b"Log out" not in page.get("/").data


def test_a_cookie_of_before_the_restart_is_a_stranger(clock: ManualClock) -> None:
    before, after = (Doorkeeper("token", 3600, clock.monotonic) for _ in range(2))
    assert after.unseal(before.seal(before.new_visit("operator"))) is None


def test_the_cookie_keeps_to_http_and_to_this_site(page: FlaskClient) -> None:
    cookie = page.get("/").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie


def test_behind_tls_the_cookie_is_secure(page: FlaskClient) -> None:
    answer = page.get("/login", headers={"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"})
    assert "Secure" in answer.headers["Set-Cookie"]


def test_every_answer_carries_the_security_headers(page: FlaskClient) -> None:
    for path in ("/", "/login", "/healthz", "/nowhere", "/static/page.js"):
        with page.get(path) as answer:  # a file answer stays open until it is closed
            headers = answer.headers
        assert "script-src 'self'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["X-Content-Type-Options"] == "nosniff"
    assert page.get("/").headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "", "evil", "/\tevil", "///x"],
)
def test_the_way_back_never_leads_elsewhere(target: str) -> None:
    assert safe_next(target) == "/"


def test_the_way_back_keeps_a_page_of_ours() -> None:
    assert safe_next("/position/X?sent=1") == "/position/X?sent=1"


def _commands(url: str) -> list[ask.RequestRow]:
    with open_reader(url) as connection:
        return ask.commands(connection, 10)
