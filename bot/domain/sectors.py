"""To which sector an underlying belongs, and which of the eleven sector funds stands for it (GICS, S&P and MSCI)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

SECTOR_FUNDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "XLB": "materials", "XLC": "communication services", "XLE": "energy", "XLF": "financials", "XLI": "industrials",
        "XLK": "technology", "XLP": "consumer staples", "XLRE": "real estate", "XLU": "utilities", "XLV": "health care",
        "XLY": "consumer discretionary",
    }
)  # fmt: skip
"""Fund -> sector."""

BROAD: Final = "broad market"
VOLATILITY: Final = "volatility"
UNKNOWN: Final = "unknown"

_OF: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(("SPX", "XSP", "SPY", "NDX", "QQQ", "RUT", "IWM", "DJX", "DIA"), BROAD),
        **dict.fromkeys(("VIX", "VXX"), VOLATILITY),
        **dict.fromkeys(("AAPL", "MSFT", "NVDA", "PLTR"), "technology"),
        **dict.fromkeys(("GOOGL", "GOOG", "META"), "communication services"),
        **dict.fromkeys(("AMZN", "TSLA"), "consumer discretionary"),
        **SECTOR_FUNDS,
    }
)


def sector_of(symbol: str) -> str:
    """Return the sector of an underlying, `unknown` where it is not listed here: what is not known is one sector, so
    that a limit counts it together rather than not at all."""
    return _OF.get(symbol, UNKNOWN)
