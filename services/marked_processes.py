"""The processes of a stack, found by a variable in their environment, however they were started.

So they are found too when the supervisor that started them has crashed.
"""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

MARK = "FORCEDFLOW_STACK_DIRECTORY"
"""Variable that the supervisor and all its processes have: the folder they belong to."""

_POLL_SECONDS = 0.1


def processes_of(home: Path) -> dict[int, str]:
    """Return the command line of every process that belongs to a folder, by its id.

    Ourselves apart, and what has ended and is not buried yet.
    """
    mark = os.fsencode(f"{MARK}={home}")
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            is_marked = mark in (entry / "environ").read_bytes().split(b"\0")
            words = (entry / "cmdline").read_bytes().split(b"\0") if is_marked else []
        except OSError:
            # It has ended meanwhile, or belongs to another user.
            continue
        if any(words) and int(entry.name) != os.getpid():
            found[int(entry.name)] = b" ".join(words).decode(errors="replace").strip()
    return found


def end(home: Path, *, grace_seconds: float) -> None:
    """End every process of a folder: TERM, and KILL to what is left after `grace_seconds`."""
    _signal(home, signal.SIGTERM)
    if not wait_until(lambda: not processes_of(home), seconds=grace_seconds):
        # A process may have started another meanwhile.
        while processes_of(home):
            _signal(home, signal.SIGKILL)
            time.sleep(_POLL_SECONDS)


def wait_until(condition: Callable[[], bool], *, seconds: float) -> bool:
    """Return whether a condition came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _signal(home: Path, number: signal.Signals) -> None:
    for pid in processes_of(home):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
