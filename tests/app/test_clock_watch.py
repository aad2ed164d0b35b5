"""How often a running bot looks whether somebody set the machine's clock."""

import pytest

from bot.app.trading import clock_poll_wall_s


@pytest.mark.parametrize("speed", [0.5, 1.0, 30.0, 240.0, 1000.0])
def test_a_clock_that_is_set_for_a_simulated_minute_is_met_by_several_looks_at_any_speed(speed: float) -> None:
    assert 60 / (clock_poll_wall_s(speed) * speed) >= 3
    assert 0.02 <= clock_poll_wall_s(speed) <= 0.5, "and the looks cost next to nothing"
