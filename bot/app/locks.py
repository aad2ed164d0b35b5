"""One of us: a store, and an account with a client id, belong to one running bot.

Context: two bots on one store or one client id would both answer the same fills. A file that merely exists outlives a
crash and would have to be removed by hand. Decision: a file under an exclusive `flock`, which the kernel releases
however its holder ends; in the file stands who that is. Consequence: a second start is refused with a name, a start
after a crash never is. A lock reaches as far as the machine; on another machine the broker itself refuses a client id
twice (326).
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import socket
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from bot.config.schema import Mode, Settings
from bot.config.secret_words import without_passwords
from bot.domain.errors import ConfigError, NotNow, StoreUnusable
from bot.store.address import is_sqlite, sqlite_path
from bot.store.trouble import of_the_disk

_SHARED: Final = Path("/run/lock")
_SERVICE: Final = Path("/run/quanticity")  # the RuntimeDirectory of the unit in config/deploy
_RUNS: Final = "quanticity-runs-"
_MOST_BYTES: Final = 4096
_FILE_MODE: Final = 0o644


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that holds a lock; `since` is when it took it, ISO-8601 UTC."""

    pid: int
    host: str
    since: str
    command: str
    store: str = ""

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host} since {self.since} ({self.command})"


@contextlib.contextmanager
def alone(settings: Settings, now: datetime) -> Iterator[None]:
    """Hold every lock that these settings ask for; raises ConfigError that names the holder of one that is taken, and
    StoreUnusable when the disk takes no lock."""
    with contextlib.ExitStack() as held:
        for what, path, advice in wanted(settings):
            _refuse_held_elsewhere(what, path, advice)
            held.enter_context(_hold(what, path, advice, _me(now, settings)))
        held.enter_context(_sign(settings, now))
        yield


@contextlib.contextmanager
def store_alone(settings: Settings, now: datetime) -> Iterator[None]:
    """Hold the store's lock alone, while its file is migrated or replaced: a bot that is started meanwhile is refused.
    Raises as `alone` does."""
    what, path, advice = wanted(settings)[0]
    with _hold(what, path, advice, _me(now, settings)):
        yield


def _me(now: datetime, settings: Settings) -> Holder:
    command, store = " ".join(sys.argv)[:1024], without_passwords(settings.database.url)[:1024]
    return Holder(os.getpid(), socket.gethostname(), now.isoformat(timespec="seconds"), command, store)


@contextlib.contextmanager
def _sign(settings: Settings, now: datetime) -> Iterator[None]:
    """Say where everyone looks that a bot runs on this store. It keeps nobody out, so it goes with its bot; where it
    cannot be written the bot runs without."""
    named = hashlib.sha256(settings.database.url.encode()).hexdigest()[:16]
    path = _shared_directory() / f"{_RUNS}{named}.lock"
    with contextlib.ExitStack() as held:
        with contextlib.suppress(ConfigError, StoreUnusable):
            held.enter_context(_hold("the store", path, "stop it", _me(now, settings)))
            held.callback(path.unlink, missing_ok=True)
        yield


def running_bots() -> list[Holder]:
    """Return the bots that run on this machine, as far as this user may see them."""
    found = [holder_of(path) for place in _places() for path in sorted(place.glob(f"{_RUNS}*.lock"))]
    return [holder for holder in found if isinstance(holder, Holder)]


def _refuse_held_elsewhere(what: str, path: Path, advice: str) -> None:
    """A service keeps its locks in a directory of its own: one that is held in any other place counts alike."""
    for place in _places():
        if place != path.parent and path.name.startswith("quanticity-") and (holder := holder_of(place / path.name)):
            raise NotNow(f"another Quanticity runs on {what}: {holder}; {advice}")


def wanted(settings: Settings) -> list[tuple[str, Path, str]]:
    """Return what must be ours alone: its name in words, the lock's file, what to do when another holds it."""
    found = [
        (
            f"the store {settings.database.url}",
            store_lock(settings),
            "stop it, or name another store (QUANTICITY__DATABASE__URL)",
        )
    ]
    if settings.mode is not Mode.SIM:
        ibkr = settings.ibkr
        account = f"account {ibkr.account}" if ibkr.account else f"the account at {ibkr.host}:{ibkr.port}"
        found.append(
            (
                f"client id {ibkr.client_id} of {account}",
                account_lock(settings),
                "stop it; orders belong to their client id, so no other one is taken",
            )
        )
    return found


def store_lock(settings: Settings) -> Path:
    """Return the lock's file: beside a SQLite store; for another store named by its address, for this machine."""
    url = settings.database.url
    if is_sqlite(url):
        path = sqlite_path(url).resolve()  # a link to a store is that store
        return path.with_name(path.name + ".lock")
    return _shared_directory() / f"quanticity-store-{hashlib.sha256(url.encode()).hexdigest()[:16]}.lock"


def tick_mark(settings: Settings) -> Path:
    """Return the file whose time is the last tick by the wall clock; nothing stands in it."""
    lock = store_lock(settings)
    return lock.with_name(f"{lock.name}.tick")


@dataclass(frozen=True, slots=True)
class Liveness:
    """Whether the bot of a store runs on this machine. Times are by the wall clock, epoch seconds: `since` it runs, or
    since its last tick it does not (None: never, or not known here); `silent_s` since its last tick."""

    running: bool
    since: float | None
    silent_s: float | None
    holder: str


def liveness(settings: Settings, wall_now: float) -> Liveness:
    """Return whether the lock of the store is held by a run, and when that ticked last."""
    holder = holder_of(store_lock(settings))
    try:
        ticked: float | None = tick_mark(settings).stat().st_mtime
    except OSError:
        ticked = None
    if not isinstance(holder, Holder) or _is_command_on_the_store(holder):
        return Liveness(isinstance(holder, str), ticked, None, str(holder or ""))
    began = datetime.fromisoformat(holder.since).timestamp()
    return Liveness(True, began, wall_now - max(began, ticked or began), str(holder))


def _is_command_on_the_store(holder: Holder) -> bool:
    """An upgrade or a restore holds the lock too, and is no bot."""
    return " db " in f" {holder.command} "


def account_lock(settings: Settings) -> Path:
    """Return the lock's file for the account, or the gateway where no account is named, and our client id."""
    ibkr = settings.ibkr
    whose = re.sub(r"[^A-Za-z0-9.]+", "-", ibkr.account or f"{ibkr.host}-{ibkr.port}")
    return _shared_directory() / f"quanticity-ibkr-{whose}-{ibkr.client_id}.lock"


def holder_of(path: Path) -> Holder | str | None:
    """Return who holds a lock now; None when nobody does. For commands that must not run beside the bot."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read(handle)
    finally:
        os.close(handle)
    return None


@contextlib.contextmanager
def _hold(what: str, path: Path, advice: str, me: Holder) -> Iterator[None]:
    """The file stays when the lock goes: whoever removed it could leave two holders of two files of one name."""
    handle = _open(path)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise NotNow(f"another Quanticity runs on {what}: {_read(handle)}; {advice}") from None
        _write(handle, path, me)
        yield
    finally:
        os.close(handle)


def _open(path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, _FILE_MODE)
    except PermissionError as error:
        raise NotNow(
            f"the lock file {path} is another user's: {error.strerror}; stop what runs as that user"
        ) from error
    except OSError as error:
        raise of_the_disk(error, f"the lock file {path} cannot be written") or ConfigError(
            f"the lock file {path} cannot be opened: {error.strerror}; it must be a plain file that this user may write"
        ) from error


def _write(handle: int, path: Path, me: Holder) -> None:
    try:
        with contextlib.suppress(PermissionError):  # whatever the umask of a service says, others must see who holds it
            os.fchmod(handle, _FILE_MODE)
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(asdict(me)).encode(), 0)
    except OSError as error:
        trouble = of_the_disk(error, f"the lock file {path} cannot be written")
        raise trouble or ConfigError(f"the lock file {path} cannot be written: {error.strerror}") from error


def _read(handle: int) -> Holder | str:
    """Return what the holder wrote; between taking the lock and writing there is an instant in which nothing stands
    there.
    """
    try:
        return Holder(**json.loads(os.pread(handle, _MOST_BYTES, 0)))
    except (ValueError, TypeError):
        return "a process that has not said yet who it is"


def _shared_directory() -> Path:
    """Return where locks that belong to no file are kept: the first of `_places` that may be written."""
    return next((place for place in _places() if os.access(place, os.W_OK)), Path(tempfile.gettempdir()))


def _places() -> list[Path]:
    """Return every directory in which a bot of this machine may hold a lock: the runtime directory that systemd gives
    (RUNTIME_DIRECTORY), /run/lock, which is for everyone, the unit's own, the user's (XDG_RUNTIME_DIR), and where
    temporary files go. All are emptied at boot."""
    given = os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    user = os.environ.get("XDG_RUNTIME_DIR", "")
    own = [Path(given)] if given else []
    listed = [*own, _SHARED, _SERVICE, *([Path(user)] if user else []), Path(tempfile.gettempdir())]
    return list(dict.fromkeys(place for place in listed if place.is_dir()))
