"""Charts that go on: the later points alone while the rest stands, the whole description once it does not."""

from __future__ import annotations

from flask.testing import FlaskClient

from bot.store.tables.position import POSITION
from tests.web.conftest import StoreBuilder, dollars


def test_who_has_the_chart_gets_the_later_points_alone(page: FlaskClient, store: StoreBuilder) -> None:
    whole = page.get("/plots/path/POSRUN").get_json()
    rows = whole["spec"]["datasets"]["rows"]
    since = rows[-2]["x"]
    store.set(POSITION, {"id": "POSRUN"}, bid=dollars(8.7))
    news = page.get(f"/plots/path/POSRUN?have={whole['mark']}&since={since}").get_json()
    assert "spec" not in news
    assert [row["x"] for row in news["rows"]] == [since, rows[-1]["x"]]
    assert (news["rows"][-1]["bid"], news["legend"]["bid"]) == (8.7, "8.70")


def test_what_moves_the_axis_or_a_level_is_drawn_anew(page: FlaskClient, store: StoreBuilder) -> None:
    mark = page.get("/plots/path/POSRUN").get_json()["mark"]
    store.set(POSITION, {"id": "POSRUN"}, stop_price=dollars(7.2))
    news = page.get(f"/plots/path/POSRUN?have={mark}&since=0").get_json()
    assert news["mark"] != mark
    assert news["spec"]["datasets"]["rows"]


def test_the_page_and_its_news_have_one_mark(page: FlaskClient) -> None:
    for path, news in (("/", "/plots/today"), ("/position/POSRUN", "/plots/path/POSRUN")):
        text = page.get(path).get_data(as_text=True)
        assert f'data-mark="{page.get(news).get_json()["mark"]}" data-news="{news}"' in text
    closed = page.get("/position/POSOLD").get_data(as_text=True)
    assert "data-news" not in closed, "what is over does not move"


def test_what_is_not_there_is_said_so(page: FlaskClient) -> None:
    for path in ("/plots/path/NOBODY", "/plots/gex/NOBODY", "/plots/nothing", "/plots/today/x"):
        code = page.get(path).status_code
        assert code in {200, 404} if path == "/plots/today/x" else code == 404, path
