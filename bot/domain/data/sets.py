"""Names of the data sets whose rows have types, on the board and in `feed_status`. All others are read by name."""

from __future__ import annotations

from typing import Final

SPOT_GEX: Final = "spot_gex"
GEX_BY_STRIKE: Final = "gex_by_strike"
GEX_BY_EXPIRY: Final = "gex_by_expiry"
GEX_BY_STRIKE_EXPIRY: Final = "gex_by_strike_expiry"
GREEK_EXPOSURE: Final = "greek_exposure"
GREEK_EXPOSURE_BY_STRIKE: Final = "greek_exposure_by_strike"
GREEK_EXPOSURE_BY_EXPIRY: Final = "greek_exposure_by_expiry"
GREEK_EXPOSURE_BY_STRIKE_EXPIRY: Final = "greek_exposure_by_strike_expiry"
OPTION_CONTRACTS: Final = "option_contracts"
OI_CHANGE: Final = "oi_change"
MAX_PAIN: Final = "max_pain"
NET_PREMIUM: Final = "net_premium"
NET_FLOW: Final = "net_flow"
FLOW_ALERTS: Final = "flow_alerts"
OPTION_TRADES: Final = "option_trades"
GREEK_FLOW: Final = "greek_flow"
GREEK_FLOW_BY_EXPIRY: Final = "greek_flow_by_expiry"
FLOW_PER_STRIKE: Final = "flow_per_strike"
FLOW_PER_STRIKE_INTRADAY: Final = "flow_per_strike_intraday"
FLOW_PER_EXPIRY: Final = "flow_per_expiry"
MARKET_TIDE: Final = "market_tide"
SECTOR_TIDE: Final = "sector_tide"
ETF_TIDE: Final = "etf_tide"
IV_RANK: Final = "iv_rank"
IV_TERM_STRUCTURE: Final = "iv_term_structure"
INTERPOLATED_IV: Final = "interpolated_iv"
REALIZED_VOLATILITY: Final = "realized_volatility"
RISK_REVERSAL_SKEW: Final = "risk_reversal_skew"
OFF_LIT_LEVELS: Final = "off_lit_levels"
DARK_POOL: Final = "dark_pool"
LIT_TRADES: Final = "lit_trades"
STOCK_PRICE: Final = "stock_price"
STOCK_BARS: Final = "stock_bars"
CONGRESS_TRADES: Final = "congress_trades"
INSIDER_TRADES: Final = "insider_trades"
EARNINGS_AFTERHOURS: Final = "earnings_afterhours"
EARNINGS_PREMARKET: Final = "earnings_premarket"
EARNINGS_HISTORY: Final = "earnings_history"
ECONOMIC_CALENDAR: Final = "economic_calendar"
FDA_CALENDAR: Final = "fda_calendar"
NEWS: Final = "news"
MARKET_WIDE: Final = "*"
"""The key of a data set that is not about one underlying."""
DECIDED_ON: Final = frozenset(
    {
        SPOT_GEX, GEX_BY_STRIKE, OPTION_CONTRACTS, NET_PREMIUM, FLOW_ALERTS, GREEK_FLOW, RISK_REVERSAL_SKEW, IV_RANK,
        DARK_POOL, OFF_LIT_LEVELS, CONGRESS_TRADES, INSIDER_TRADES, EARNINGS_AFTERHOURS, EARNINGS_PREMARKET,
        FDA_CALENDAR,
    }
)  # fmt: skip
"""What a strategy, a limit or the cross-check looks at: a replay asks for these alone, and a fast simulated clock asks
for all others more seldom. A set that a decision comes to need is named here too."""
