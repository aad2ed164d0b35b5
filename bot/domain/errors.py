"""The error tree, named by what happens next.

BotError
  ConfigError          refuse to start; names file, key, value and the fix
  IllegalTransition    this machine stays where it is; audited as refused; the others go on
  StoreError
    CommitFailed       nothing was sent; memory is reloaded, the session halts
      StoreUnusable    disk or file in trouble: nothing is sent; tried again while that can help, then the run ends
    SchemaMismatch     refuse to start; says which revision is there and which is wanted
  BrokerError
    BrokerUnavailable  retry with back-off
    OrderRejected      finished; keeps the broker's reason
    UnknownWord        the broker said something no table has: an alert with the raw fields
"""

from __future__ import annotations


class BotError(Exception):
    """Everything that Quanticity raises on purpose."""


class ConfigError(BotError):
    """A setting that we refuse; the text is written for the person who has to mend it."""


class NotNow(ConfigError):
    """Something that another holds now (a port, a lock): it may pass by itself, so whoever starts us tries again.

    The exit code is EX_TEMPFAIL of sysexits.h.
    """

    exit_code = 75


class IllegalTransition(BotError):
    """A trigger that the table does not allow from this state; nothing was changed."""

    def __init__(self, machine: str, entity_id: str, state: str, trigger: str) -> None:
        super().__init__(f"{machine} {entity_id} in state {state!r} does not allow {trigger!r}")
        self.machine, self.entity_id, self.state, self.trigger = machine, entity_id, state, trigger


class StoreError(BotError):
    """The store could not do what was asked."""


class CommitFailed(StoreError):
    """A tick's transaction did not commit: nothing in it happened."""


class StoreUnusable(CommitFailed):
    """Disk full, read-only, locked, failing or damaged: nothing was written. The text says what to do.

    `code` names the trouble in alerts, `passes` says whether waiting can help, `exit_code` is the program's when it
    ends over this.
    """

    def __init__(self, text: str, *, code: str, passes: bool, exit_code: int) -> None:
        super().__init__(text)
        self.code, self.passes, self.exit_code = code, passes, exit_code


class SchemaMismatch(StoreError):
    """The store's schema is not the one that this code knows."""


class BrokerError(BotError):
    """Something between us and the broker."""


class BrokerUnavailable(BrokerError):
    """No connection, or not one that may trade."""


class OrderRejected(BrokerError):
    """The broker refused an order for good."""


class UnknownWord(BrokerError):
    """The broker used a status, tag or code that no translation table has."""
