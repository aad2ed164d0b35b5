"""A scripted TWS that keeps an order book: it takes, fills, cancels and shows orders as TWS does in good health, and
lets a test say anything else in between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.broker.fake_tws import (
    CONTRACTS,
    FakeTws,
    Request,
    commission,
    completed_order,
    execution,
    open_order,
    order_status,
    position,
)

MARGINS = ("0", "0", "100000", "1800", "1800", "0", "1800", "1800", "99998.7")
_LIVE = frozenset({"PreSubmitted", "Submitted", "PendingCancel"})


@dataclass
class Kept:
    """One order as TWS has it."""

    order_id: int
    ref: str
    con_id: str
    action: str
    quantity: float
    kind: str
    limit: str
    stop: str
    status: str = "Submitted"
    filled: float = 0

    @property
    def perm_id(self) -> int:
        return 9000 + self.order_id

    @property
    def live(self) -> bool:
        return self.status in _LIVE


class BookTws(FakeTws):
    """`quiet`: orders are kept but not answered. `deaf`: they never arrive."""

    def __init__(self) -> None:
        super().__init__()
        self.book: dict[int, Kept] = {}
        self.fills: list[tuple[Any, ...]] = []
        self.executed = 0
        self.fees: dict[str, str] = {}
        self.held: dict[str, float] = {}
        self.quiet = False
        self.deaf = False
        self.answers |= {
            3: self._place,
            4: self._cancel,
            7: self._executions,
            16: lambda _: self.send_all([*(m for o in self.live for m in self.said_of(o)), (53, 1)]),
            61: self._positions,
            99: self._completed,
        }

    @property
    def live(self) -> list[Kept]:
        return [each for each in self.book.values() if each.live]

    def only(self, kind: str) -> Kept:
        """Return the one live order of a kind (LMT, STP, MKT)."""
        (found,) = [each for each in self.live if each.kind == kind]
        return found

    def error(self, id_: object, code: int, text: str = "a text") -> None:
        self.send(4, 2, id_, code, text, "")

    def said_of(self, kept: Kept) -> list[tuple[Any, ...]]:
        """Return what TWS says of an order: openOrder and orderStatus."""
        left = kept.quantity - kept.filled
        return [
            open_order(
                kept.order_id, kept.ref, row=CONTRACTS[kept.con_id], status=kept.status, action=kept.action,
                quantity=kept.quantity, kind=kept.kind, limit=kept.limit or 0, stop=kept.stop or 0,
                perm_id=kept.perm_id,
            ),
            order_status(kept.order_id, kept.status, filled=kept.filled, remaining=left, perm_id=kept.perm_id),
        ]  # fmt: skip

    def tell(self, kept: Kept) -> None:
        self.send_all(self.said_of(kept))

    def fill(self, kept: Kept, shares: float | None = None, price: str = "5.0", *, told: bool = True) -> str:
        """Fill an order, all that is left of it unless told; returns the execId."""
        shares = shares or kept.quantity - kept.filled
        kept.filled += shares
        kept.status = "Filled" if kept.filled == kept.quantity else kept.status
        sign = 1 if kept.action == "BUY" else -1
        self.held[kept.con_id] = self.held.get(kept.con_id, 0) + sign * shares
        self.executed += 1
        exec_id = f"0000e1.{self.executed:04x}.01.01"
        side = "BOT" if kept.action == "BUY" else "SLD"
        self.fills.append((exec_id, kept.order_id, kept.ref, kept.perm_id, kept.con_id, side, shares, price))
        self.fees[exec_id] = "1.3"
        if told:
            self.send_all([self.fill_message(self.fills[-1]), *self.said_of(kept), commission(exec_id, "1.3")])
        return exec_id

    @staticmethod
    def fill_message(fill: tuple[Any, ...], request_id: object = -1) -> tuple[Any, ...]:
        exec_id, order_id, ref, perm_id, con_id, side, shares, price = fill
        return execution(
            order_id, exec_id, ref, request_id=request_id, row=CONTRACTS[con_id], side=side, shares=shares,
            price=price, perm_id=perm_id,
        )  # fmt: skip

    # ---- answers

    def _place(self, asked: Request) -> None:
        order_id, ref = int(asked[1]), asked[26]
        if not ref:
            row = CONTRACTS[asked[2]]
            self.send(*open_order(
                order_id, "", row=row, what_if=1, status="PreSubmitted", perm_id=0, margins=MARGINS, commission="1.3"
            ))  # fmt: skip
            return
        if self.deaf:
            return
        resting = "PreSubmitted" if asked[18] == "STP" else "Submitted"
        kept = Kept(order_id, ref, asked[2], asked[16], float(asked[17]), asked[18], asked[19], asked[20], resting)
        before = self.book.get(order_id)
        kept.filled = before.filled if before else 0
        self.book[order_id] = kept
        if not self.quiet:
            self.tell(kept)

    def _cancel(self, asked: Request) -> None:
        kept = self.book.get(int(asked[2]))
        if self.quiet or self.deaf:
            return
        if kept is None or not kept.live:
            self.error(asked[2], 10147, "OrderId that needs to be cancelled is not found.")
            return
        kept.status = "Cancelled"
        self.tell(kept)
        self.error(asked[2], 202, "Order Canceled - reason:")

    def _executions(self, asked: Request) -> None:
        found = [self.fill_message(each, asked[2]) for each in self.fills]
        fees = [commission(exec_id, fee) for exec_id, fee in self.fees.items()]
        self.send_all([*found, *fees, (55, 1, asked[2])])

    def _positions(self, asked: Request) -> None:
        del asked
        held = [position(CONTRACTS[con_id], shares) for con_id, shares in self.held.items()]
        self.send_all([*held, (62, 1)])

    def _completed(self, asked: Request) -> None:
        del asked
        over = [each for each in self.book.values() if not each.live]
        told = [completed_order(o.ref, o.status, perm_id=o.perm_id, quantity=o.quantity, filled=o.filled) for o in over]
        self.send_all([*told, (102,)])
