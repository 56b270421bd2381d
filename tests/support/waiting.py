"""Waiting for what another process does, by asking for it."""

import time
from collections.abc import Callable

PATIENCE_SECONDS = 30.0
"""How long what takes a moment may take on a machine that is busy with other tests."""


def eventually(condition: Callable[[], bool], *, seconds: float = PATIENCE_SECONDS) -> None:
    """Return as soon as `condition` holds; fail when it does not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"did not come true within {seconds:g} s"
        time.sleep(0.02)
