"""Names of the data sets that strategies decide on, on the board and in `feed_status`."""

from __future__ import annotations

from typing import Final

SPOT_GEX: Final = "spot_gex"
GEX_BY_STRIKE: Final = "gex_by_strike"
OPTION_CONTRACTS: Final = "option_contracts"
NET_PREMIUM: Final = "net_premium"
FLOW_ALERTS: Final = "flow_alerts"
MARKET_WIDE: Final = "*"
"""The key of a data set that is not about one underlying."""
