"""A few kills of the real process; `make kill` does a hundred."""

import pytest

from tests.kill.campaign import Campaign, Limits
from tests.patience import PATIENCE_S


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_bot_that_is_killed_again_and_again_loses_and_doubles_nothing() -> None:
    # Half a dozen busy processes share the machine with this one: what is promised in seconds is for `make kill`.
    slow = Limits(active_s=PATIENCE_S, agree_s=PATIENCE_S, stop_s=PATIENCE_S, protected_s=PATIENCE_S)
    report = Campaign(3, 5, 20, print, limits=slow).run()
    assert report.violations == []
    assert report.killed == 3
    assert report.orders > 0
