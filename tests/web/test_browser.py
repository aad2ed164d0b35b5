"""The page in a real browser: no errors in its console, no sideways overflow on a phone, buttons that become
commands."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.charts.bundle import LOCK, write
from bot.store import read as ask
from bot.store.database import open_reader
from bot.store.tables.command import COMMAND
from bot.store.tables.position import POSITION
from bot.store.tables.session_state import SESSION_STATE
from bot.store.tables.strategy_stat import STRATEGY_STAT
from tests.patience import PATIENCE_S
from tests.web.conftest import StoreBuilder

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
ROOT = Path(__file__).resolve().parents[2]
PATHS = (
    "/", "/signals", "/positions", "/trades", "/performance", "/exposure", "/strategies", "/feeds", "/people",
    "/market", "/calibration", "/discovery", "/config", "/overseer", "/alerts", "/signal/SIGWAIT", "/position/POSLONG",
    "/pages", "/position/POSRUN", "/signal/SIGRUN",
    "/machines", "/audit?query=order_executions", "/login", "/nowhere",
)  # fmt: skip

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}")]


@pytest.fixture
def served(store: StoreBuilder, token: str) -> Iterator[str]:
    """The address of the page served by its own process."""
    yield from _served(store, token)


def _served(store: StoreBuilder, token: str, *more: str) -> Iterator[str]:
    command = [sys.executable, "-m", "bot.web", "--port", "0", "--mode", "sim", *more]
    command += ["--start-at", "2026-11-20T11:05:30-05:00", "--speed", "1"]
    environment = os.environ | {"WEB_LOGIN_TOKEN": token, "WEB_DATABASE": store.url}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            assert line.startswith("web ready http://127.0.0.1:"), line
            yield line.removeprefix("web ready ").strip().rstrip("/")
        finally:
            process.terminate()
            process.wait(PATIENCE_S)


@pytest.fixture
def drawn(store: StoreBuilder, token: str, tmp_path: Path) -> Iterator[str]:
    """The address of a page that has the charts' library."""
    write(tmp_path / "charts", LOCK.read_text().strip())
    yield from _served(store, token, "--charts", str(tmp_path / "charts"))


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS, timeout=PATIENCE_S * 1000)
        yield running
        running.close()


@pytest.fixture
def browser(chromium: Any) -> Iterator[Any]:
    """One browser for all; what a test opens, with its cookies, is closed at its end."""
    yield Patient(chromium)
    for context in chromium.contexts:
        context.close()


class Patient:
    """The browser, whose pages wait for what must come as long as a busy machine takes."""

    def __init__(self, browser: Any) -> None:
        self._browser = browser

    def new_page(self, **options: Any) -> Any:
        return self._patient(self._browser.new_page(**options))

    def new_context(self, **options: Any) -> Any:
        return self._patient(self._browser.new_context(**options))

    @staticmethod
    def _patient(opened: Any) -> Any:
        opened.set_default_timeout(PATIENCE_S * 1000)
        return opened


def _complaints(tab: Any) -> list[str]:
    found: list[str] = []
    tab.on("pageerror", lambda error: found.append(str(error)))
    tab.on("console", lambda message: found.append(message.text) if message.type in {"error", "warning"} else None)
    return found


def _overflow(tab: Any) -> int:
    return int(tab.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


LEGIBLE = (Path(__file__).parent / "legible.js").read_text()
LONG = "a reason of some three hundred letters that goes on and on, " * 5


@pytest.mark.parametrize(
    "width, scheme, least, others", [(390, "dark", 44, (360,)), (1280, "light", 24, (768, 901, 1181, 1400))]
)
def test_every_page_is_quiet_fits_and_can_be_read_and_pressed(
    served: str,
    browser: Any,
    token: str,
    store: StoreBuilder,
    width: int,
    scheme: str,
    least: int,
    others: tuple[int, ...],
) -> None:
    """Either colour scheme, everything unfolded, the longest of names, of money and of reasons."""
    _long_ones(store)
    tab = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    complaints = _complaints(tab)
    tab.goto(f"{served}/login?token={token}")
    assert "token" not in tab.url
    for path in PATHS:
        tab.goto(served + path)
        tab.evaluate("for (const each of document.querySelectorAll('main details')) each.open = true")
        assert tab.evaluate(LEGIBLE, least) == {"low": [], "small": []}, path
        if others[-1] > width:
            _can_be_walked_by_keyboard(tab, path)
        for other in (*others, width):
            tab.set_viewport_size({"width": other, "height": 800})
            assert _overflow(tab) == 0, (path, other)
            assert not tab.evaluate(CUT), (path, other)
    assert [words for words in complaints if "404" not in words] == []


def _can_be_walked_by_keyboard(tab: Any, path: str) -> None:
    """Tab goes in the order of the page, and what has the focus is seen to have it."""
    jumps = "[...document.querySelectorAll('[tabindex]')].filter((each) => each.tabIndex > 0).length"
    assert tab.evaluate(jumps) == 0, path
    tab.evaluate("(document.querySelector('main a, main button') || document.querySelector('main')).focus()")
    for _ in range(4):
        tab.keyboard.press("Tab")
        ring = tab.evaluate("getComputedStyle(document.activeElement).outline")
        assert "2px" in ring, (path, ring)
        assert "none" not in ring, (path, ring)


CUT = """(() => { const word = document.querySelector(".status .p0 summary");
return Boolean(word) && word.scrollWidth > word.clientWidth + 1; })()"""


def _long_ones(store: StoreBuilder) -> None:
    store.position(
        "POSLONG", "filled", "GOOGL 270115C01182500", strike=11_825_000, expiry="2027-01-15", symbol="GOOGL",
        root="GOOGL", bid=12_345_600, ask=12_345_700, underlying=11_800_000, quantity=10, entry_quantity=10,
    )  # fmt: skip
    store.alert("critical", LONG, "ORDER_UNKNOWN")
    store.transition("signal", "SIGWAIT", "ask", ("pending", "pending"), LONG, store.now_text)
    store.add(
        STRATEGY_STAT, strategy="zero_dte_gamma", symbol="SPX", day="2026-11-20", evaluated=1, proposed=0,
        last_reason=LONG, at=store.now_text, seen="{}",
    )  # fmt: skip


def test_a_press_on_pause_becomes_a_command_and_its_answer_arrives_by_itself(
    served: str, browser: Any, token: str, store: StoreBuilder
) -> None:
    tab = browser.new_page()
    complaints = _complaints(tab)
    tab.goto(f"{served}/login?token={token}")
    tab.click("[data-live=bar] >> text=Pause")
    tab.wait_for_selector("text=queued, the bot answers on its next tick")
    with open_reader(store.url) as connection:
        (row,) = ask.commands(connection, 5)
    assert (row.kind, row.actor, row.state) == ("pause", "admin:web:operator", "queued")
    store.set(COMMAND, {"id": row.id}, state="done", answer="entries are paused")
    store.set(SESSION_STATE, {"id": "session"}, state="paused")
    tab.wait_for_selector("[data-live=notice] >> text=entries are paused")
    tab.wait_for_selector("[data-live=bar] >> text=Resume")
    assert complaints == []


def test_flatten_asks_first_and_can_be_called_off(served: str, browser: Any, token: str, store: StoreBuilder) -> None:
    tab = browser.new_page()
    tab.goto(f"{served}/login?token={token}")
    tab.click("text=Stop…")
    tab.click("text=Flatten all")
    tab.click("text=Keep it")
    with open_reader(store.url) as connection:
        assert ask.commands(connection, 5) == []
    tab.click("text=Flatten all")
    assert tab.is_disabled("#confirm-yes"), "the number of contracts has to be typed"
    tab.fill("#confirm-typed input", "1")
    tab.click("#confirm-yes")
    tab.wait_for_selector("[data-live=notice] >> text=Flatten all")
    with open_reader(store.url) as connection:
        assert [row.kind for row in ask.commands(connection, 5)] == ["flatten"]


def test_news_arrives_without_a_reload_and_leaves_an_open_evidence_open(
    served: str, browser: Any, store: StoreBuilder
) -> None:
    tab = browser.new_page()
    tab.goto(served)
    tab.click("#activity summary >> nth=0")
    store.transition("session", "session", "pause", ("active", "paused"), "news from the tick", store.now_text)
    tab.wait_for_selector("#activity >> text=news from the tick")
    assert tab.locator("#activity details[open]").count() == 1
    assert tab.inner_text("#stream") == "Live"


def test_a_long_history_shows_its_newest_steps_until_it_is_unfolded(
    served: str, browser: Any, store: StoreBuilder
) -> None:
    for number in range(20):
        store.transition("session", "session", "pause", ("active", "paused"), f"step {number}", store.now_text)
    tab = browser.new_page(viewport={"width": 390, "height": 800})
    tab.goto(served)
    shown = tab.locator("#activity .step:visible")
    assert (shown.count(), "step 19" in shown.first.inner_text()) == (6, True)
    tab.click("#activity .fold")
    assert shown.count() > 20
    store.transition("session", "session", "resume", ("paused", "active"), "news from the tick", store.now_text)
    tab.wait_for_selector("#activity >> text=news from the tick")
    assert shown.count() > 21, "what was unfolded stays so when news arrives"


def test_a_long_story_shows_its_beginning_and_its_end_one_step_a_line(
    served: str, browser: Any, store: StoreBuilder
) -> None:
    for number in range(20):
        store.transition("position", "POSRUN", "scale_out", ("trailing", "trailing"), f"step {number}", store.now_text)
    tab = browser.new_page(viewport={"width": 1280, "height": 900})
    tab.goto(f"{served}/position/POSRUN")
    shown = tab.locator(".step:visible")
    assert shown.count() == 12
    assert "step 19" in shown.last.inner_text()
    boxes = [step.bounding_box() for step in shown.all()]
    assert all(box["width"] > 1000 for box in boxes)
    assert [box["y"] for box in boxes] == sorted({box["y"] for box in boxes})


def test_eight_tabs_are_all_live(served: str, browser: Any, store: StoreBuilder) -> None:
    context = browser.new_context()
    tabs = [context.new_page() for _ in range(8)]
    for tab in tabs:
        tab.goto(served)
    store.transition("session", "session", "pause", ("active", "paused"), "news for everybody", store.now_text)
    for tab in tabs:
        tab.wait_for_selector("#activity >> text=news for everybody", timeout=PATIENCE_S * 1000)
    said = [tab.inner_text("#stream") for tab in tabs]
    assert (said.count("Live"), said.count("Live (polling)")) == (3, 5)
    context.close()


def test_a_hidden_tab_lets_its_stream_go_and_catches_up(served: str, browser: Any, store: StoreBuilder) -> None:
    tab = browser.new_page()
    streams: list[str] = []
    ended: list[str] = []
    tab.on("request", lambda asked: streams.append(asked.url) if "/events" in asked.url else None)
    tab.on("requestfailed", lambda asked: ended.append(asked.url) if "/events" in asked.url else None)
    tab.goto(served)
    tab.wait_for_selector('#stream >> text="Live"')
    with tab.expect_event("requestfailed"):  # the stream that it lets go
        _show(tab, "hidden")
    assert (len(streams), len(ended)) == (1, 1)
    store.transition("session", "session", "pause", ("active", "paused"), "while nobody looked", store.now_text)
    _show(tab, "visible")
    tab.wait_for_selector("#activity >> text=while nobody looked")
    assert len(streams) == 2


def _show(tab: Any, state: str) -> None:
    tab.evaluate(
        "state => { Object.defineProperty(document, 'visibilityState', { value: state, configurable: true });"
        " document.dispatchEvent(new Event('visibilitychange')); }",
        state,
    )


@pytest.mark.slow
def test_a_chart_answers_to_pointer_keys_and_buttons_under_the_content_policy(
    drawn: str, browser: Any, store: StoreBuilder
) -> None:
    tab = browser.new_page(viewport={"width": 1280, "height": 900})
    complaints = _complaints(tab)
    tab.goto(f"{drawn}/position/POSRUN")
    tab.wait_for_selector("figure.plot[data-drawn=yes]", timeout=PATIENCE_S * 1000)
    bid = tab.locator("figure.plot b[data-field=bid]")
    latest = bid.inner_text()
    box = tab.locator("figure.plot .live").bounding_box()
    tab.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + box["height"] * 0.5)
    hovered = bid.inner_text()
    assert hovered != latest, "the legend says the values under the pointer"
    tab.mouse.move(2, 2)
    assert bid.inner_text() == latest
    tab.focus("figure.plot .live")
    tab.keyboard.press("Home")
    first = bid.inner_text()
    assert first == "4.10", "the first quote"
    tab.keyboard.press("ArrowRight")
    assert bid.inner_text() == "4.00"
    tab.click("figure.plot [data-zoom=in]")
    _the_chart_goes_on(tab, store)
    tab.click("figure.plot [data-zoom=all]")
    assert complaints == []
    assert _overflow(tab) == 0


def _the_chart_goes_on(tab: Any, store: StoreBuilder) -> None:
    """New quotes arrive without a reload; the zoom stays where it was, also when the chart is drawn anew for them."""
    figure = tab.locator("figure.plot")
    tab.focus("figure.plot .live")
    tab.keyboard.press("Home")
    tab.keyboard.press("ArrowRight")
    ticks = "[...document.querySelectorAll('figure.plot .live canvas')].map((each) => each.toDataURL()).join()"
    for number, bid in enumerate((8.7, 40.0), 1):  # the second is outside the axis
        seen, before = tab.evaluate(ticks), tab.inner_text("figure.plot b[data-field=x]")
        store.set(POSITION, {"id": "POSRUN"}, bid=int(bid * 10_000), ask=int(bid * 10_000) + 2000)
        _show(tab, "visible")
        tab.wait_for_selector(f"figure.plot[data-fresh='{number}']")
        assert figure.locator("b[data-field=bid]").inner_text() == "4.00", "the crosshair stays at its point"
        assert tab.inner_text("figure.plot b[data-field=x]") == before
        assert (tab.evaluate(ticks) == seen) is (number == 1), "the stretch that is seen did not change"
    tab.keyboard.press("Escape")
    assert figure.locator("b[data-field=bid]").inner_text() == "40.00"
