"""What the broker holds beyond our book: proved ours, asked about, or left alone (`engine.adopt`).

Proved is what our reference, permId or execution explains: a live sale of ours that this store does not know, what our
executions bought and did not sell, a sale of ours that was taken back. It is allowed at once and on the record, before
any order of the lost store is called off: a kill in between forgets nothing. The rest waits for a person, or for
nobody; only two agreeing looks at the book take anything over. A person's no holds, also while the setting takes all,
until there is more of it than was declined or a proof comes.
"""

from __future__ import annotations

from typing import Final

from bot.config.schema import Adopt
from bot.domain.adoption import (
    EVERYTHING,
    LEFT_ALONE,
    OPEN_QUESTIONS,
    Adoption,
    AdoptionChange,
    AdoptionState,
    AdoptionTrigger,
    same_key,
)
from bot.domain.events.account import BrokerPosition, BrokerSnapshot
from bot.domain.instruments import option_of_key, symbol_of_key
from bot.domain.requests import Refused
from bot.engine.book.proved import proved_ours
from bot.engine.state.context import Context
from bot.engine.state.journal import Journal
from bot.engine.state.ledger import Ledger
from bot.engine.state.steps import Birth, Step

_PROVED: Final = "an order or execution of ours explains it"
_NOT_PLAIN: Final = "it is no plain US option in dollars"
_ONLY_OURS: Final = "engine.adopt is ours: only what is proved ours is taken over"
_BY_PROOF: Final = "reconcile"
"""Who answered where a proof, or the setting, did."""


class Asking:
    """Judges, in one comparison, what is beyond our book. `tell` says at its end what is newly asked, in one alert."""

    def __init__(self, ctx: Context, journal: Journal, snapshot: BrokerSnapshot) -> None:
        self._ctx, self._journal, self._snapshot = ctx, journal, snapshot
        self._shorts = sorted(held.contract_key for held in snapshot.positions if held.amount < 0)
        self._asked: list[str] = []

    # ---- one holding

    def stands(self, found: BrokerPosition, extra: int) -> str:
        """Put a proof on the record; return the words of a question that was put already and still is the same one,
        else nothing: then two looks have to agree first."""
        never, why = self._barrier(found)
        if not why and self._allow_proved(found, extra):
            return ""
        known = self._ctx.ledger.adoptions.get(found.contract_key)
        if known is None or known.state not in LEFT_ALONE or known.quantity != extra:
            return ""
        if known.declined_by_person:
            return self.words_of(known)
        state = self._left_as(never=never)
        reason = why or (_ONLY_OURS if state is AdoptionState.DECLINED else "")
        return self.words_of(known) if (known.state, known.why) == (state, reason) else ""

    def may_take(self, found: BrokerPosition, extra: int) -> int:
        """Return how many of what two looks agree on may be taken over now."""
        never, why = self._barrier(found)
        known = self._ctx.ledger.adoptions.get(found.contract_key)
        allowed = known is not None and known.state is AdoptionState.ALLOWED and known.why == why and not never
        if self._ctx.settings.engine.adopt is Adopt.ALL and not why and not self._said_no(found, extra):
            return extra
        return min(extra, known.quantity) if known is not None and allowed else 0

    def leave(self, found: BrokerPosition, extra: int) -> str:
        """Ask about it, or decline it; returns what the comparison's line says."""
        if known := self._said_no(found, extra):
            words = f"{extra} beyond our book now; {known.answered_by} declined them"
            self._step(known, AdoptionTrigger.RECOUNT, words, {"quantity": extra})
            return self.words_of(known)
        never, why = self._barrier(found)
        state = self._left_as(never=never)
        if state is AdoptionState.DECLINED:
            adoption = self._decline(found, extra, why or _ONLY_OURS)
        else:
            adoption = self._ask(found, extra, why)
        return self.words_of(adoption)

    def taken(self, key: str, quantity: int) -> None:
        """It is a position of ours now."""
        known = self._ctx.ledger.adoptions.get(key)
        if known is None:
            return
        if known.state in LEFT_ALONE:
            self._allow(known, quantity, "engine.adopt is all", _BY_PROOF)
        sets = AdoptionChange(quantity=quantity, adopted_at=self._ctx.now)
        words = f"{quantity} are a position of ours now"
        self._step(known, AdoptionTrigger.ADOPT, words, sets)

    @staticmethod
    def words_of(adoption: Adoption) -> str:
        if adoption.declined_by_person:
            return f"not adopted: declined by {adoption.answered_by}"
        if adoption.state is AdoptionState.DECLINED:
            return f"not adopted: {adoption.why}"
        how = adoption.how_to_answer
        return f"not adopted: {adoption.why}; {how}" if adoption.why else f"not adopted, waits for a person: {how}"

    # ---- the whole book

    def forget_what_is_gone(self) -> None:
        """End the questions about what is not beyond our book any more."""
        there = {held.contract_key: held.quantity for held in self._snapshot.positions}
        for key, adoption in self._ctx.ledger.adoptions.items():
            over = adoption.state not in OPEN_QUESTIONS | LEFT_ALONE
            if not over and there.get(key, 0) <= self._ctx.ledger.position_index.held_on(key):
                self._step(
                    adoption, AdoptionTrigger.GO, "the broker holds no more than our book explains", AdoptionChange()
                )

    def tell(self) -> None:
        """One alert for all that one look newly asks: a lost store is one question."""
        written = self._journal.batch.changed.of(Adoption)
        asked = [a for key in self._asked if (a := written.get(key)) is not None and a.state is AdoptionState.ASKED]
        if not asked:
            return
        listed = "; ".join(adoption.words for adoption in asked)
        words = (
            f"{listed}: at the broker, and nothing proves it ours. It is left alone: not sold, not protected, not "
            f"counted, and entries on its symbol wait, until a person answers: "
            f'python run.py adopt "{asked[0].name}" for one, adopt {EVERYTHING} for all, decline for a no'
        )
        facts = {"holdings": {adoption.id: adoption.quantity for adoption in asked}}
        self._journal.alert("ADOPT_ASKED", words, facts)

    # ---- proofs

    def _allow_proved(self, found: BrokerPosition, extra: int) -> bool:
        """Allow what is proved; says whether anything is allowed that was not taken over yet."""
        if self._ctx.settings.engine.adopt is Adopt.ALL and not self._said_no(found, extra):
            return True
        proved, key = min(proved_ours(self._ctx, self._snapshot, found.contract_key), extra), found.contract_key
        known = self._ctx.ledger.adoptions.get(key)
        allowed = known.quantity if known is not None and known.state is AdoptionState.ALLOWED else 0
        if proved > allowed:
            known = known or self._born(found, proved, "", f"{proved} beyond our book")
            self._allow(known, proved, _PROVED, _BY_PROOF)
            return True
        return allowed > 0

    def _said_no(self, found: BrokerPosition, extra: int) -> Adoption | None:
        """Return the question that a person answered with no, where the no covers all that is there now."""
        known = self._ctx.ledger.adoptions.get(found.contract_key)
        return known if known is not None and known.declined_by_person and extra <= known.quantity else None

    def _barrier(self, found: BrokerPosition) -> tuple[bool, str]:
        """Return whether a holding can never be taken over, and what sets it apart; both empty: it is like ours."""
        if not found.is_plain_us_option or found.contract is None:
            return True, _NOT_PLAIN
        symbol = found.contract.symbol
        legs = [key for key in self._shorts if (leg := option_of_key(key)) is not None and leg.symbol == symbol]
        if not legs:
            return False, ""
        return False, f"it covers {' '.join(legs[0].split())}, sold short: sold alone it would leave that naked"

    def _left_as(self, *, never: bool) -> AdoptionState:
        ours_only = self._ctx.settings.engine.adopt is Adopt.OURS
        return AdoptionState.DECLINED if never or ours_only else AdoptionState.ASKED

    # ---- the record

    def _ask(self, found: BrokerPosition, extra: int, why: str) -> Adoption:
        known = self._ctx.ledger.adoptions.get(found.contract_key)
        more = known is None or known.state is not AdoptionState.ASKED or extra > known.quantity or why != known.why
        words = f"{extra} beyond our book, and nothing proves them ours" + (f"; {why}" if why else "")
        sets = AdoptionChange(quantity=extra, why=why, answered_by=None, answered_at=None)
        if known is None:
            known = self._born(found, extra, why, words)
        else:
            trigger = AdoptionTrigger.RECOUNT if known.state is AdoptionState.ASKED else AdoptionTrigger.ASK
            self._step(known, trigger, words, sets | AdoptionChange(asked_at=self._ctx.now) if more else sets)
        if more and why:
            self._tell_not_adopted(known)
        elif more:
            self._asked.append(known.id)
        return known

    def _decline(self, found: BrokerPosition, extra: int, why: str) -> Adoption:
        known = self._ctx.ledger.adoptions.get(found.contract_key)
        news = known is None or known.state is not AdoptionState.DECLINED or extra > known.quantity or why != known.why
        if known is None:
            known = self._born(found, extra, why, f"{extra} beyond our book")
        declined = known.state is AdoptionState.DECLINED
        trigger = AdoptionTrigger.RECOUNT if declined else AdoptionTrigger.DECLINE
        self._step(known, trigger, why, AdoptionChange(quantity=extra, why=why, answered_by=None, answered_at=None))
        if news:
            self._tell_not_adopted(known)
        return known

    def _tell_not_adopted(self, adoption: Adoption) -> None:
        how = f"; {adoption.how_to_answer}" if adoption.state is AdoptionState.ASKED else ""
        words = (
            f"{adoption.quantity} {adoption.name} at the broker are not ours and are left alone: {adoption.why}{how}"
        )
        facts = {"key": adoption.id, "quantity": adoption.quantity}
        self._journal.alert("NOT_ADOPTED", words, facts)

    def _born(self, found: BrokerPosition, quantity: int, why: str, words: str) -> Adoption:
        key = found.contract_key
        adoption = Adoption(key, symbol=symbol_of_key(key), quantity=quantity, why=why, asked_at=self._ctx.now)
        evidence = {"broker": found.quantity, "average_price": found.average_price, "quantity": quantity}
        self._journal.born(Birth(adoption, words, evidence), actor="reconcile")
        return adoption

    def _allow(self, adoption: Adoption, quantity: int, words: str, actor: str) -> None:
        allow(self._journal, adoption, quantity, words, actor)

    def _step(self, adoption: Adoption, trigger: AdoptionTrigger, words: str, sets: AdoptionChange) -> None:
        evidence = {"quantity": sets.get("quantity", adoption.quantity)}
        self._journal.take(Step(adoption, trigger, words, evidence, sets, actor="reconcile"))


def allow(journal: Journal, adoption: Adoption, quantity: int, words: str, actor: str) -> None:
    """Put on the record that so many may be taken over, and who said so."""
    sets = AdoptionChange(quantity=quantity, answered_by=actor, answered_at=journal.now)
    if actor == _BY_PROOF:
        sets["why"] = ""
    journal.take(Step(adoption, AdoptionTrigger.ALLOW, words, {"quantity": quantity}, sets, actor=actor))


def answer(journal: Journal, typed: str, actor: str) -> str:
    """Take a person's yes: a contract's key, also of one that was declined, or all that waits and need not be named;
    raises Refused."""
    waiting = _waiting(journal.ledger)
    if _is_everything(typed):
        chosen = [adoption for adoption in waiting if not adoption.needs_name]
    else:
        declined = [a for a in journal.ledger.adoptions.values() if a.declined_by_person]
        chosen = [adoption for adoption in (*waiting, *declined) if same_key(typed, adoption.id)]
    named_only = [adoption for adoption in waiting if adoption.needs_name and adoption not in chosen]
    left = f"; only by its key: {'; '.join(a.words for a in named_only)}" if named_only else ""
    if not chosen:
        raise Refused(_why_nothing(journal.ledger, typed, waiting) + left)
    for adoption in chosen:
        allow(journal, adoption, adoption.quantity, f"allowed by {actor}", actor)
    listed = "; ".join(adoption.words for adoption in chosen)
    return f"taken over once two looks at the broker's book agree: {listed}{left}"


def decline(journal: Journal, typed: str, actor: str) -> str:
    """Take a person's no: a contract's key, or all that waits; also of what was allowed and is not taken over yet.
    Raises Refused."""
    open_ones = [a for a in journal.ledger.adoptions.values() if a.state in OPEN_QUESTIONS]
    chosen = _waiting(journal.ledger) if _is_everything(typed) else [a for a in open_ones if same_key(typed, a.id)]
    if not chosen:
        raise Refused(_why_nothing(journal.ledger, typed, _waiting(journal.ledger)))
    for adoption in chosen:
        if adoption.state is AdoptionState.ALLOWED and adoption.answered_by == _BY_PROOF:
            raise Refused(f"{adoption.name} is taken over: {_PROVED}")
        sets = AdoptionChange(answered_by=actor, answered_at=journal.now)
        evidence = {"quantity": adoption.quantity}
        journal.take(Step(adoption, AdoptionTrigger.DECLINE, f"declined by {actor}", evidence, sets, actor=actor))
    listed = "; ".join(adoption.words for adoption in chosen)
    return f"left alone, and asked about again only if there is more of it: {listed}"


def _waiting(ledger: Ledger) -> list[Adoption]:
    return [a for a in ledger.adoptions.values() if a.state is AdoptionState.ASKED]


def _is_everything(typed: str) -> bool:
    return typed.strip().lower() == EVERYTHING


def _why_nothing(ledger: Ledger, typed: str, waiting: list[Adoption]) -> str:
    known = next((a for a in ledger.adoptions.values() if same_key(typed, a.id)), None)
    if known is not None:
        said = f"declined by {known.answered_by}" if known.declined_by_person else known.why
        why = f": {said}" if said and known.state is AdoptionState.DECLINED else ""
        return f"{known.name} does not wait for an answer, it is {known.state}{why}"
    names = ", ".join(a.name for a in waiting if not a.needs_name) or "none"
    return f"{typed or '(none named)'} does not wait to be adopted; what does: {names}"


def left_alone_words(ledger: Ledger) -> str:
    """Return in words what is at the broker, not ours and therefore not sold by whoever sells everything."""
    alone = [a.words for a in ledger.adoptions.values() if a.state in LEFT_ALONE | OPEN_QUESTIONS]
    return f"; left alone, not ours: {'; '.join(alone)}" if alone else ""
