"""A tick passes over what cannot have changed: such a day leaves the rows of a day of ticks that look at everything."""

import pytest

from tests.faults.__main__ import play
from tests.faults.plan import Plan


@pytest.mark.parametrize("seed", [3, 11])
def test_a_day_leaves_the_rows_of_a_day_of_full_passes(seed: int) -> None:
    assert play(Plan.of(seed), twice=True).broken == []
