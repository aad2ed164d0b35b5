"""What is in the account and not ours: shown, told once, never counted as ours."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal

from bot.domain.events.orders import BrokerOrderView
from bot.engine.state.records import LoadedState
from bot.engine.state.undo import NotedDict, Undo


class Foreign:
    """Written by the tick only. `executions`: bases of those that no order of ours made. `buys`: permId -> somebody
    else's buy that was last seen live, beside which the broker takes no sale. `holdings`: key -> shares and short
    options, as they were explained. `opaque`: (subject, id) of what no type of ours holds, as it was told."""

    def __init__(self, loaded: LoadedState, undo: Undo) -> None:
        self.executions: set[str] = set(loaded.strangers)
        self.buys: dict[int, BrokerOrderView] = {}
        self.holdings: dict[str, Decimal] = NotedDict(undo, loaded.not_ours)
        self.opaque: set[tuple[str, str]] = set(loaded.opaque_told)

    def carry_on(self, before: Foreign) -> None:
        """Take over what a failed tick does not make untrue and no row keeps."""
        self.buys = before.buys

    def buys_on(self, key: str) -> list[BrokerOrderView]:
        """Return the live buys of other people on a contract: the broker takes no sale beside them."""
        return [view for view in self.buys.values() if view.contract_key == key]

    def keep_buys(self, there: Collection[int]) -> None:
        """A whole book was read: of the buys only those are live that it has, by permId."""
        self.buys = {perm_id: view for perm_id, view in self.buys.items() if perm_id in there}

    def keep_executions(self, known: Collection[str]) -> None:
        """Executions of long ago are forgotten; so is whose they were."""
        self.executions.intersection_update(known)

    def is_news(self, subject: str, identity: str) -> bool:
        """Say whether a thing that no type of ours holds was not told yet, and take note that it is now."""
        if (subject, identity) in self.opaque:
            return False
        self.opaque.add((subject, identity))
        return True
