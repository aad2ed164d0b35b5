"""What the codes mean with which TWS refuses a placement, a change or a cancel; by the vendor's list and the field.

The venue's own table: it shares nothing with the adapter that it examines; a test holds the two side by side. A code
that stands nowhere is ambiguous, as at the real broker.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bot.domain.events.orders import ErrorMeaning

REFUSED: Final = (200, 201, 203, 412, 460)
"""The order is refused for good: contract, account or permission."""

NOT_PLACED: Final = (
    103, 105, 106, 107, 109, 110, 111, 163, 321, 325, 328, 329, 354, 355, 382, 383, 387, 388, 391, 403,
    434, 435, 2102, 10006, 10268, 10314,
)  # fmt: skip
"""The message was not taken: a new order is not there, a change did not happen."""

DOUBTFUL: Final = (100, 104, 135, 320, 327, 330, 331, 461, 505, 10289, 10327, 10329)
"""Whether it was taken, only the broker's book says."""

INFORMING: Final = (399, 404, 481, 492, 2109, 2137, 2148, 2161, 2168, 2169, 2174, 10311, 10349)
"""Said of an order that is taken all the same."""

CANCEL_REFUSED: Final = (136, 161, 10147, 10148)

MEANING: Final[Mapping[int, ErrorMeaning]] = MappingProxyType(
    {
        **dict.fromkeys(REFUSED, ErrorMeaning.REJECTED),
        **dict.fromkeys(NOT_PLACED, ErrorMeaning.NOT_PLACED),
        **dict.fromkeys(DOUBTFUL, ErrorMeaning.AMBIGUOUS),
        **dict.fromkeys(INFORMING, ErrorMeaning.WARNING),
        **dict.fromkeys(CANCEL_REFUSED, ErrorMeaning.CANCEL_REFUSED),
    }
)
CODES: Final[Mapping[str, tuple[int, ...]]] = MappingProxyType(
    {
        "place": (*REFUSED, *NOT_PLACED, *DOUBTFUL, *INFORMING),
        "change": (*REFUSED, *NOT_PLACED, *DOUBTFUL, *INFORMING),
        "cancel": (*CANCEL_REFUSED, *DOUBTFUL),
    }
)
"""With what each may be answered."""
