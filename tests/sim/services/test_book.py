"""The services' book: it outlives a start, and it counts."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from bot.sim.services.book import MOST_ENTRIES, Service, ServiceBook, most_within
from bot.sim.services.book_file import ServicesBookKeeper, read_into
from bot.sim.services.telegram_people import TelegramPeople

NOON = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)


def a_book(wall: float = 1000.0) -> ServiceBook:
    return ServiceBook(lambda: NOON, lambda: wall)


def test_a_book_outlives_a_start_with_its_chats_and_what_nobody_fetched(tmp_path: Path) -> None:
    book, path = a_book(), tmp_path / "bot.db.services.json"
    people = TelegramPeople(book)
    person = book.person(1001, "owner", "owner")
    place = people.chat(1001)
    asked = book.store(place, "Approve?", buttons=[[("Approve", "approve:1")]])
    book.edit(asked, "Approve now?")
    people.press(person, 1001, asked.id, "approve:1")
    people.react(person, 1001, asked.id, "✅")
    ServicesBookKeeper(book, path).write()
    again = a_book()
    assert read_into(again, path)
    assert again.snapshot() == book.snapshot()
    assert [next(key for key in each if key != "update_id") for each in again.updates] == [
        "callback_query",
        "message_reaction",
    ]
    assert again.store(again.places["telegram:1001"], "next").id == asked.id + 1


def test_a_torn_or_foreign_file_is_no_book(tmp_path: Path) -> None:
    for number, text in enumerate(("", "{", "[]", '{"places": 3}', '{"places": [], "people": []}')):
        path = tmp_path / str(number)
        path.write_text(text, encoding="utf-8")
        assert not read_into(a_book(), path)
    assert not read_into(a_book(), tmp_path / "none")


def test_it_counts_what_is_seen_twice_and_how_many_a_minute() -> None:
    book = a_book()
    place = book.place(Service.DISCORD, "1")
    for text in ("a", "b", "a"):
        book.store(place, text)
    assert list(book.doubled()) == [("discord:1", "a")]
    assert place.most_in_a_minute() == 3
    assert most_within([0, 1, 59, 60, 61, 200], 60) == 3
    assert most_within([], 60) == 0


def test_a_place_keeps_its_newest_and_its_count() -> None:
    book = a_book()
    place = book.place(Service.SMTP, "x@y")
    for number in range(MOST_ENTRIES + 5):
        book.store(place, str(number))
    assert (place.received, len(place.entries), place.entries[-1].text) == (1005, 1000, "1004")
