"""Margin previews: an order with the whatIf mark, answered by one openOrder message and never placed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from bot.broker import words
from bot.broker.ib import IbOrderState
from bot.domain.errors import BrokerError, UnknownWord
from bot.domain.events.orders import ErrorMeaning, WhatIfAnswered
from bot.engine.state.ports import Clock

BETTER_ANSWER_S: Final = 0.5
"""How long a preview without figures waits for one with them: TWS may send both."""


@dataclass
class _Open:
    done: asyncio.Future[IbOrderState]
    empty: IbOrderState | None = None


class WhatIfs:
    """The previews that are being asked for, by order id."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._open: dict[int, _Open] = {}

    async def ask(self, signal_id: str, order_id: int, send: Callable[[], None], deadline_s: float) -> WhatIfAnswered:
        """Send and return the answer; a refusal, silence or a lost connection is an answer with `error`."""
        asked = self._open[order_id] = _Open(asyncio.get_running_loop().create_future())
        try:
            send()
            async with asyncio.timeout(deadline_s):
                state = await asked.done
            return self._answered(signal_id, state)
        except TimeoutError:
            return self.refused(signal_id, f"no margin preview within {deadline_s:g} s")
        except BrokerError as error:
            return self.refused(signal_id, str(error))
        finally:
            del self._open[order_id]

    def refused(self, signal_id: str, reason: str) -> WhatIfAnswered:
        return WhatIfAnswered(signal_id, None, None, None, None, reason, self._clock.now())

    def answer(self, order_id: int, state: IbOrderState) -> None:
        """Take a preview. One whose margins are unset counts only when nothing better follows."""
        asked = self._open.get(order_id)
        if asked is None or asked.done.done():
            return
        if words.money(state.initMarginChange) is None:
            asked.empty = state
            asyncio.get_running_loop().call_later(BETTER_ANSWER_S, _settle_for_empty, asked)
        else:
            asked.done.set_result(state)

    def error(self, order_id: int, code: int, text: str) -> bool:
        """Take an error; False when it is not about a preview. A warning does not end it."""
        asked = self._open.get(order_id)
        if asked is None:
            return False
        if _is_warning(code):
            return True
        if not asked.done.done():
            asked.done.set_exception(BrokerError(f"{code}: {text}"))
        return True

    def fail_all(self, reason: str) -> None:
        for asked in self._open.values():
            if not asked.done.done():
                asked.done.set_exception(BrokerError(reason))

    def _answered(self, signal_id: str, state: IbOrderState) -> WhatIfAnswered:
        commission = words.number(state.commission)
        if commission is None:
            commission = words.number(state.maxCommission)
        return WhatIfAnswered(
            signal_id,
            _margin(state.initMarginChange),
            _margin(state.equityWithLoanAfter),
            _margin(state.initMarginAfter),
            commission,
            None,
            self._clock.now(),
        )


def _settle_for_empty(asked: _Open) -> None:
    if not asked.done.done() and asked.empty is not None:
        asked.done.set_result(asked.empty)


def _margin(text: str) -> Decimal | None:
    return words.money(text)


def _is_warning(code: int) -> bool:
    try:
        return words.order_error(code) is ErrorMeaning.WARNING
    except UnknownWord:
        return code in words.NOTICE_RANGE
