"""What is unusual in a chain. Source of the rule: the field's "volume over open interest"."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from bot.domain.data.merged import UnusualContract

VOLUME_OVER_INTEREST: Final = 2
MOST: Final = 10


def unusual_contracts(rows: Iterable[Any], most: int = MOST) -> tuple[UnusualContract, ...]:
    """Return the contracts that traded more than twice what is open in them, the highest ratios first, at most `most`.

    Rows have `contract`, `volume` and `open_interest`, whichever vendor wrote them. With nothing open the ratio is that
    to one contract: a new strike that trades is unusual.
    """
    found = [
        (row.volume / max(row.open_interest, 1), row)
        for row in rows
        if row.volume > VOLUME_OVER_INTEREST * row.open_interest and row.volume > 0
    ]
    found.sort(key=lambda each: (-each[0], each[1].contract.key))
    return tuple(
        UnusualContract(
            row.contract.key, row.contract.symbol, row.contract.right.value, row.contract.strike, row.contract.expiry,
            row.volume, row.open_interest, ratio,
        )
        for ratio, row in found[:most]
    )  # fmt: skip
