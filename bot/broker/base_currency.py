"""One question to a gateway that answers: in what currency the account is kept. Nothing is ordered, nothing changed.

It is asked on a connection of its own, by a client id that no order belongs to; the connection ends with the answer.
"""

from __future__ import annotations

import asyncio
from typing import Any

from bot.broker.account import BASE
from bot.broker.ib import new_client

_MONEY = "NetLiquidation"


class _Ear:
    """Hears account values and forgets everything else that a gateway says to a new client."""

    def __init__(self) -> None:
        self.currencies: set[str] = set()
        self.ready = asyncio.Event()
        self.over = asyncio.Event()

    def updateAccountValue(self, tag: str, value: str, currency: str, account: str) -> None:  # noqa: N802 - TWS's name
        if tag == _MONEY and currency not in {BASE, ""}:
            self.currencies.add(currency)

    def accountDownloadEnd(self, account: str) -> None:  # noqa: N802 - TWS's name
        self.over.set()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *_: None


async def base_currency(host: str, port: int, client_id: int, account: str, timeout_s: float) -> str | None:
    """Return the currency of the account (the first one, where none is named), None where nobody says within the
    time. An account whose value is told in dollars beside others is one in dollars, as the adapter takes it."""
    ear = _Ear()
    client = new_client(ear)
    try:
        async with asyncio.timeout(timeout_s):
            await client.connectAsync(host, port, client_id, timeout_s)
            client.reqAccountUpdates(True, account or client.getAccounts()[0])
            await ear.over.wait()
    except (TimeoutError, OSError, IndexError):
        return None
    finally:
        client.disconnect()
    return "USD" if "USD" in ear.currencies else min(ear.currencies, default=None)
