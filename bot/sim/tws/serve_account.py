"""Answers about the account: values, holdings, profit."""

from __future__ import annotations

from typing import Final

from bot.sim.tws import messages, requests
from bot.sim.tws.account_streams import AccountFeed, MultiFeed, PnlFeed, PnlSingleFeed, SummaryFeed
from bot.sim.tws.handlers import answers, invalid
from bot.sim.tws.moment import VenueMoment
from bot.sim.tws.session import ClientSession
from bot.sim.tws.wire import WireMessage

ACCOUNT, SUMMARY, MULTI, POSITIONS = "account", "account summary", "account multi", "positions multi"
PNL, PNL_SINGLE = "pnl", "pnl single"
_ACCOUNT_KEY: Final = 0


class Quiet:
    """A subscription that speaks only when a holding changes."""

    def pace(self, moment: VenueMoment) -> list[WireMessage]:
        del moment
        return []


def _is_ours(session: ClientSession, req_id: int, account: str) -> bool:
    if account in {"", "All", *session.face.accounts}:
        return True
    invalid(session, req_id, f"Invalid account code {account!r}")
    return False


@answers(requests.AccountUpdates)
def account_updates(session: ClientSession, request: requests.AccountUpdates) -> None:
    if not request.subscribe:
        session.unsubscribe(ACCOUNT, _ACCOUNT_KEY)
        return
    if not _is_ours(session, -1, request.account):
        return
    feed = AccountFeed(session.face.venue.account_id)
    session.send_all(feed.download(session.face.moment()))
    session.subscribe(ACCOUNT, _ACCOUNT_KEY, feed)


@answers(requests.AccountSummary)
def account_summary(session: ClientSession, request: requests.AccountSummary) -> None:
    if (SUMMARY, request.req_id) in session.streams:
        session.error(request.req_id, 322, "Error processing request: Duplicate ticker id")
        return
    if session.count(SUMMARY) >= session.face.limits.account_summaries:
        session.error(
            request.req_id, 322, "Error processing request: Maximum number of account summary requests exceeded"
        )
        return
    if not _is_ours(session, request.req_id, request.group):
        return
    feed = SummaryFeed(request.req_id, session.face.venue.account_id, request.tags)
    session.send_all(feed.download(session.face.moment()))
    session.subscribe(SUMMARY, request.req_id, feed)


@answers(requests.CancelAccountSummary)
def cancel_account_summary(session: ClientSession, request: requests.CancelAccountSummary) -> None:
    _cancel(session, SUMMARY, request.req_id)


@answers(requests.AccountUpdatesMulti)
def account_updates_multi(session: ClientSession, request: requests.AccountUpdatesMulti) -> None:
    if not _is_ours(session, request.req_id, request.account) or _is_taken(session, MULTI, request.req_id):
        return
    feed = MultiFeed(request.req_id, session.face.venue.account_id, request.model, ledger_only=request.ledger_only)
    session.send_all(feed.download(session.face.moment()))
    session.subscribe(MULTI, request.req_id, feed)


@answers(requests.CancelAccountUpdatesMulti)
def cancel_account_updates_multi(session: ClientSession, request: requests.CancelAccountUpdatesMulti) -> None:
    _cancel(session, MULTI, request.req_id)


@answers(requests.Positions)
def positions(session: ClientSession, request: requests.Positions) -> None:
    del request
    session.follows_positions = True
    for held in session.face.venue.positions():
        session.send(messages.position(held, session.face.venue.account_id))
    session.send(messages.position_end())


@answers(requests.CancelPositions)
def cancel_positions(session: ClientSession, request: requests.CancelPositions) -> None:
    del request
    session.follows_positions = False


@answers(requests.PositionsMulti)
def positions_multi(session: ClientSession, request: requests.PositionsMulti) -> None:
    if not _is_ours(session, request.req_id, request.account) or _is_taken(session, POSITIONS, request.req_id):
        return
    for held in session.face.venue.positions():
        session.send(messages.position_multi(request.req_id, held, session.face.venue.account_id, request.model))
    session.send(messages.end(72, request.req_id))
    session.subscribe(POSITIONS, request.req_id, Quiet())


@answers(requests.CancelPositionsMulti)
def cancel_positions_multi(session: ClientSession, request: requests.CancelPositionsMulti) -> None:
    _cancel(session, POSITIONS, request.req_id)


@answers(requests.Pnl)
def pnl(session: ClientSession, request: requests.Pnl) -> None:
    if _is_ours(session, request.req_id, request.account) and not _is_taken(session, PNL, request.req_id):
        session.subscribe(PNL, request.req_id, PnlFeed(request.req_id))


@answers(requests.CancelPnl)
def cancel_pnl(session: ClientSession, request: requests.CancelPnl) -> None:
    _cancel(session, PNL, request.req_id)


@answers(requests.PnlSingle)
def pnl_single(session: ClientSession, request: requests.PnlSingle) -> None:
    if _is_ours(session, request.req_id, request.account) and not _is_taken(session, PNL_SINGLE, request.req_id):
        session.subscribe(PNL_SINGLE, request.req_id, PnlSingleFeed(request.req_id, request.con_id))


@answers(requests.CancelPnlSingle)
def cancel_pnl_single(session: ClientSession, request: requests.CancelPnlSingle) -> None:
    _cancel(session, PNL_SINGLE, request.req_id)


def _is_taken(session: ClientSession, kind: str, req_id: int) -> bool:
    if (kind, req_id) not in session.streams:
        return False
    session.error(req_id, 322, "Error processing request: Duplicate ticker id")
    return True


def _cancel(session: ClientSession, kind: str, req_id: int) -> None:
    if not session.unsubscribe(kind, req_id):
        session.error(req_id, 300, f"Can't find EId with tickerId:{req_id}")
