"""Cboe's quote tables: both styles of dates, older heads, and what a file that is none is told."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime

import pytest

from bot.feeds.quote_table import UnreadableTable, day_of, moment, read_quote_table

HEAD = (
    "Expiration Date,Calls,Last Sale,Net,Bid,Ask,Volume,IV,Delta,Gamma,Open Interest,"
    "Strike,Puts,Last Sale,Net,Bid,Ask,Volume,IV,Delta,Gamma,Open Interest"
)
TITLE = '\nS&P 500 INDEX,Last: 4697.24,Change:  8.56\n"Date: January 7, 2024 at 10:52 AM EST",Bid: 1,Ask: 2\n'
ROW = (
    "Fri Jan 12 2024,SPXW240112C04700000,1,0,1,2,30,0.12,0.5,0.004,100,"
    '4700.00,SPXW240112P04700000,1,0,1,2,40,0.13,-0.5,0.004,"1,200"'
)
OLD = HEAD.replace("Volume", "Vol").replace("Open Interest", "Open Int")


@pytest.mark.parametrize(
    "words, at",
    [
        ("Date: January 7, 2024 at 10:52 AM EST", datetime(2024, 1, 7, 15, 52, tzinfo=UTC)),
        ("Date: September 14, 2023 at 4:31 PM EDT", datetime(2023, 9, 14, 20, 31, tzinfo=UTC)),
        ("Date: 7 January 2024 at 16:52 CET", datetime(2024, 1, 7, 15, 52, tzinfo=UTC)),
        ("Date: 7 January 2024 at 16:52 GMT+1", datetime(2024, 1, 7, 15, 52, tzinfo=UTC)),
        ("Date: 7 January 2024 at 21:22 GMT+5:30", datetime(2024, 1, 7, 15, 52, tzinfo=UTC)),
        ("Sep 14 2018 @ 16:31 ET", datetime(2018, 9, 14, 20, 31, tzinfo=UTC)),
        ("01/07/2024 10:52", datetime(2024, 1, 7, 15, 52, tzinfo=UTC)),
        ("Date: January 7, 2024 at 10:52 AM XYT", None),
        ("Bid: 4645.23", None),
    ],
)
def test_the_date_is_read_in_every_style(words: str, at: datetime | None) -> None:
    assert moment(words) == at


def test_expiries_are_read_in_both_styles() -> None:
    assert day_of("Fri Jan 12 2024") == day_of("01/12/2024") == day_of("2024-01-12") == date(2024, 1, 12)
    assert day_of("soon") is None


def test_a_row_is_a_call_and_a_put() -> None:
    found = read_quote_table(f"\ufeff{TITLE}{HEAD}\n{ROW}\n", "spx.csv")
    assert (found.name, found.spot) == ("S&P 500 INDEX", 4697.24)
    call, put = found.rows
    assert (call.call, call.open_interest, call.iv, call.volume) == (True, 100, 0.12, 30)
    assert (put.call, put.open_interest, put.delta) == (False, 1200, -0.5)


def test_an_older_table_is_read_too() -> None:
    row = ROW.replace("Fri Jan 12 2024", "01/12/2024")
    found = read_quote_table(
        f"SPX (S&P 500 INDEX),4697.24,+8.56,\nJan 07 2024 @ 10:52 ET,Bid,1\n{OLD}\n{row}\n", "old.csv"
    )
    assert found.spot == 4697.24
    assert [row.open_interest for row in found.rows] == [100, 1200]


def test_rows_that_say_nothing_are_named_and_left_out() -> None:
    day = "Fri Jan 12 2024"
    bad = [ROW.replace("4700.00", "none"), ROW.replace(day, "never"), f"{day},short", ROW.replace("0.12", "--")]
    found = read_quote_table("\n".join([TITLE + HEAD, *bad]), "spx.csv")
    assert [number for number, _ in found.left_out] == [5, 6, 7]
    assert len(found.rows) == 2
    assert math.isnan(found.rows[0].iv), "a volatility that is none is not zero"


@pytest.mark.parametrize(
    "text, told",
    [
        ("", "x.csv: no line begins with `Expiration Date`, so this is no Cboe quote table (0 lines read)"),
        ("a,b\n1,2\n", "no line begins with `Expiration Date`"),
        (HEAD, "x.csv, line 1: above the head stand no name with `Last` and no date"),
        (TITLE.replace("Last: 4697.24", "Last: --") + HEAD, "x.csv, line 2: `Last: --` is no price"),
        (
            TITLE.replace("2024 at", "at 2024 or so at") + HEAD,
            "x.csv, line 3: no date of the quotes above the head; tried",
        ),
        (TITLE + HEAD.replace("Puts", "Sets"), "x.csv, line 4: the head has no column `Puts`"),
        (TITLE + HEAD.replace("Gamma", "Kappa"), "x.csv, line 4: the calls have no column `Gamma`"),
    ],
)
def test_a_file_that_is_no_table_is_told_where_and_what(text: str, told: str) -> None:
    with pytest.raises(UnreadableTable) as refused:
        read_quote_table(text, "x.csv")
    assert told in str(refused.value)
