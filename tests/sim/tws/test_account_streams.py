"""When the account is spoken of: on change, and again every three minutes whatever happened."""

from __future__ import annotations

from datetime import timedelta

from bot.sim.tws.account_streams import AccountFeed
from bot.sim.tws.moment import VenueMoment
from bot.sim.tws.wire import WireMessage
from tests.sim.tws.small_venue import START, SmallVenue


class Listener:
    """One who follows the account, at moments that a test chooses."""

    def __init__(self) -> None:
        self.venue = SmallVenue()
        self.feed = AccountFeed("DU1")

    def at(self, seconds: float) -> list[WireMessage]:
        return self.feed.pace(self.moment(seconds))

    def moment(self, seconds: float) -> VenueMoment:
        return VenueMoment(self.venue, START + timedelta(seconds=seconds), seconds)


def tags(said: list[WireMessage]) -> list[str]:
    return [str(message.fields[1]) for message in said if message.id == 6]


def test_an_account_in_which_nothing_happens_is_told_again_every_three_minutes() -> None:
    who = Listener()
    first = who.feed.download(who.moment(0))
    assert "NetLiquidation" in tags(first)
    assert [who.at(second) for second in range(1, 180)] == [[]] * 179
    again = who.at(180)
    assert sorted(tags(again)) == sorted(tags(first))
    assert again[-1].id == 8, "with the time of it"
    assert who.at(181) == []
    assert tags(who.at(360)) == tags(again)
