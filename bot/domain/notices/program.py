"""Alerts about the program, its store and its disk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bot.domain.notices.row import CRITICAL, EACH, END, INFO, NOTHING, ONCE, WARNING, Notice

PROGRAM: Final[Mapping[str, Notice]] = {
    "TICK_FAILED": Notice(
        CRITICAL, EACH,
        "A tick failed: nothing of it was written or sent, memory was read anew, the session halts. After three in a"
        " row the run ends.",
        "Report the traceback; `resume` when what is held is protected.",
    ),
    "MACHINE_PARKED": Notice(
        CRITICAL, "once until it works again",
        "The decision of one position, strategy or job failed: it is left alone and tried again with growing pauses."
        " Its orders stay, all else goes on.",
        "See that the position's stop rests at the broker; report the traceback.",
    ),
    "MACHINE_RESUMED": Notice(INFO, END, "What was parked works again.", NOTHING),
    "BESIDE_FAILED": Notice(
        CRITICAL, EACH,
        "Something that runs beside the tick (the page, backups, feeds) failed; it begins again after a pause.",
        "Report the text if it repeats.",
    ),
    "PEOPLE_DOWN": Notice(
        WARNING, EACH,
        "The people's process, which speaks through Telegram, Discord and e-mail, ended or gave no sign of life; it is "
        "started again. Trading does not wait for it; what was on its way is unknown, what waited goes out when it is "
        "back.",
        "Nothing if it is back within a minute. Else read the lines above it on the log; use page and command line.",
    ),
    "MESSAGE_DEAD": Notice(
        WARNING, EACH,
        "A message could not be delivered: its channel refuses it for good (a blocked bot, an unknown chat, a mailbox "
        "that is none), or it failed too often. It is given up; the text says why.",
        "Mend what the text names, then `channels test NAME`.",
    ),
    "MESSAGES_WITHHELD": Notice(
        WARNING, "once a minute while it lasts",
        "More messages wait for one target of a channel than may (outbox.waiting_most): it hangs or refuses. The oldest"
        " that are neither critical nor ask for an answer are withheld, each on record; other targets go on.",
        "See why the target takes nothing; take it out of the settings where it is gone.",
    ),
    "TEST_ALERT": Notice(
        INFO, EACH, "Somebody asked for a test (`alerts test`): nothing has happened.", "Acknowledge the critical one.",
        {WARNING: "it is the one of that level", CRITICAL: "it is the one of that level"},
    ),
    "RECORDER_DOWN": Notice(
        WARNING, ONCE,
        "The recorder's process ended, does not start or kept nothing for too long; the text says why, where it said "
        "so. It is started again until it keeps something. Trading does not wait for it; what waited meanwhile is kept "
        "when it is back, as far as there is room.",
        "Nothing if it is back at once. Else make room on the disk of engine.record_dir, or let the bot write there.",
    ),
    "RECORDING_GAP": Notice(
        WARNING, EACH,
        "Facts that came are not in the recording: the text says how many and why. The recording itself says it too, "
        "so that nobody takes it for whole.",
        "Nothing for trading. Do not trust a replay across the gap; if it repeats, record to a faster disk.",
    ),
    "BACKUP_FAILED": Notice(
        CRITICAL, EACH,
        "The backup was not made; the text says why.",
        "Make room on the disk, then `python run.py db backup`.",
    ),
    "DISK_LOW": Notice(
        CRITICAL, ONCE,
        "The store's disk has less room than database.free_mb_least: no entries; exits go on.",
        "Remove old backups and logs.",
    ),
    "DISK_ROOM": Notice(INFO, END, "The store's disk has room again.", NOTHING),
    "HEAD_NOT_NOTED": Notice(
        WARNING, "once an hour",
        "The hash of the history's newest row could not be written to the file beside the store.",
        "Check the disk and the file's rights.",
    ),
    "HISTORY_UNGUARDED": Notice(
        CRITICAL, "at a start",
        "The guards that keep the history from being changed were gone from the store; they are put back.",
        "`python run.py audit verify`; find out who opened the store.",
    ),
    "HISTORY_REWRITTEN": Notice(
        CRITICAL, "at a start and with each backup",
        "A hash that was noted earlier is no longer in the history: rows were changed or removed, or an old store "
        "was put back.",
        "`python run.py audit verify`, and compare with a backup.",
    ),
    "STORE_FULL": Notice(
        CRITICAL, "when the store is back",
        "The store's disk was full: nothing was written or sent for the time that the text names; the session is "
        "halted.",
        "Free space, see that all is protected, `resume`.",
    ),
    "STORE_READ_ONLY": Notice(
        CRITICAL, "when the store is back",
        "The store's disk or file was read-only for a time; the session is halted.",
        "Check the disk (fsck) and the file's rights, then `resume`.",
    ),
    "STORE_LOCKED": Notice(
        CRITICAL, "when the store is back",
        "Another program held the store's lock for a time; the session is halted.",
        "Find that program (`fuser -v FILE`), then `resume`.",
    ),
    "STORE_IO_ERROR": Notice(
        CRITICAL, "when the store is back",
        "The store's disk did not read or write for a time; the session is halted.",
        "Read the system's log for disk errors; move the store to a sound disk.",
    ),
    "STORE_UNREACHABLE": Notice(
        CRITICAL, "when the store is back",
        "The database server did not answer for a time; the session is halted.",
        "See that it runs and has room, then `resume`.",
    ),
}  # fmt: skip
