"""A tag's text and its type say the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.order_tag import OrderTag, Why


@given(st.sampled_from(list(Why)), st.text(max_size=8))
def test_every_text_has_a_type_and_comes_back_as_it_was(why: Why, rest: str) -> None:
    assert str(OrderTag.of(f"{why.value}{rest}")) == f"{why.value}{rest}"


@pytest.mark.parametrize(
    "text, why, detail",
    [
        ("entry", Why.ENTRY, ""), ("entry:flattened", Why.FLATTENED, ""), ("entry:called_off", Why.CALLED_OFF, ""),
        ("entry:breaker:losses", Why.BREAKER, "losses"), ("stop", Why.STOP, ""), ("rung:2", Why.RUNG, ":2"),
        ("stop of a lost store", Why.STOP, " of a lost store"), ("close:gap", Why.CLOSE, "gap"),
        ("by hand", Why.OTHER, "by hand"), ("", Why.OTHER, ""),
    ],
)  # fmt: skip
def test_a_text_that_the_store_keeps_is_read(text: str, why: Why, detail: str) -> None:
    assert OrderTag.of(text) == OrderTag(why, detail)


def test_only_a_mark_takes_an_entry_back() -> None:
    assert [why for why in Why if OrderTag(why).is_called_off] == [Why.FLATTENED, Why.CALLED_OFF, Why.BREAKER]
