"""`analyze chain`: a file in, figures and a chart out; what is wrong with a file is one message with its place."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from tests.feeds.test_quote_table import HEAD, TITLE

Call = Callable[..., Result]


def chain_file(path: Path) -> Path:
    rows = [
        f"Fri Jan 12 2024,C{strike},1,0,1,2,30,0.12,0.5,0.004,{calls},"
        f"{strike}.00,P{strike},1,0,1,2,4,0.13,-0.5,0.004,{puts}"
        for strike, calls, puts in ((4650, 10, 900), (4700, 300, 300), (4750, 800, 20))
    ]
    path.write_bytes(gzip.compress("\n".join([TITLE + HEAD, *rows]).encode()))
    return path


def test_figures_and_a_chart_of_text(call: Call, tmp_path: Path) -> None:
    result = call("analyze", "chain", str(chain_file(tmp_path / "chain.csv.gz")))
    assert result.exit_code == 0, result.output
    told = result.stdout
    for words in (
        "6 contracts in 1 expiries",
        "total GEX",
        "flip        4,",
        "walls       calls 4,750, puts 4,650",
        "spot",
    ):
        assert words in told
    assert "4,700.00" in told


def test_for_programs_the_sums_agree(call: Call, tmp_path: Path) -> None:
    file = str(chain_file(tmp_path / "chain.csv.gz"))
    found = json.loads(call("analyze", "chain", file, "--json").stdout)
    assert sum(found["by_strike"].values()) == pytest.approx(found["gex_total"])
    assert found["gex_total"] == pytest.approx(0.004 * (1110 - 1220) * 100 * 4697.24**2 * 0.01)
    shares = json.loads(call("analyze", "chain", file, "--json", "--unit", "shares", "--flip", "strikes").stdout)
    assert shares["gex_total"] == pytest.approx(0.004 * (1110 - 1220) * 100)


def test_the_chart_is_a_file(call: Call, tmp_path: Path) -> None:
    picture = tmp_path / "chart.svg"
    result = call("analyze", "chain", str(chain_file(tmp_path / "chain.csv")), "--chart", str(picture))
    assert result.exit_code == 0, result.output
    drawn = picture.read_text(encoding="utf-8")
    assert drawn.startswith("<svg")
    assert "flip 4," in drawn


@pytest.mark.parametrize(
    "name, content, more, told",
    [
        ("absent.csv", None, [], "absent.csv: No such file or directory"),
        ("empty.csv", b"", [], "so this is no Cboe quote table (0 lines read)"),
        ("binary.csv", b"\xff\xfe\x00", [], "byte 0 is no UTF-8 text"),
        ("cut.csv.gz", b"\x1f\x8b\x08\x00", [], "cut.csv.gz: "),
        ("none.csv", (TITLE + HEAD).encode(), [], "none of its 0 contracts has gamma"),
        ("x.csv", b"", ["--chart", "chart.jpg"], "the name has to end in .png, .svg, .html"),
        ("x.csv", b"", ["--chart", "/nowhere/at/all/chart.svg"], "/nowhere/at/all is no directory"),
    ],
)
def test_what_is_wrong_is_one_message(
    call: Call, tmp_path: Path, name: str, content: bytes | None, more: list[str], told: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    result = call("analyze", "chain", str(tmp_path / name), *more)
    assert result.exit_code == 2
    assert told in result.stderr
    assert "Traceback" not in result.output


def test_a_labelled_tape_is_scored(call: Call, tmp_path: Path) -> None:
    head = "time,type,order_id,size,price,direction\n"
    touch = "ask_price_1,ask_size_1,bid_price_1,bid_size_1\n"
    trades = ["5,0,10,1000000,1", "4,7,10,1000100,-1", "5,0,900,999900,1"] * 5
    messages, best = tmp_path / "messages.csv", tmp_path / "bbo.csv"
    messages.write_text(head + "".join(f"{34200 + n},{each}\n" for n, each in enumerate(["1,1,50,999900,1", *trades])))
    best.write_text(touch + "1000100,100,999900,50\n" * 15 + "1000100,100,999800,50\n")
    found = json.loads(call("analyze", "lobster", str(messages), str(best), "--json").stdout)
    assert (found["events"], found["prints"], found["hidden"]) == (15, 15, 10)
    assert found["scores"]["inside"] == {"precision": 1, "recall": 1, "f1": 1}
    assert found["scores"]["naive"]["recall"] == 0.5
    assert (found["moves"], found["right"]) == (1, 1)
    assert 0 < found["vpin"] <= 1
    told = call("analyze", "lobster", str(messages), str(best))
    assert "10 of them met a hidden order" in told.stdout
    best.write_text(touch + "1000100,100,999900,50\n")
    broken = call("analyze", "lobster", str(messages), str(best))
    assert broken.exit_code != 0
    assert "same number of rows" in broken.output
