"""A few kills of the real process; `make kill` does a hundred."""

import pytest

from tests.kill.campaign import Campaign


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_bot_that_is_killed_again_and_again_loses_and_doubles_nothing() -> None:
    # Half a dozen busy processes share the machine with this one: its own limit of two seconds is for `make kill`.
    report = Campaign(3, 5, 20, print, protected_within_s=15).run()
    assert report.violations == []
    assert report.killed == 3
    assert report.orders > 0
