"""Waiting for what another process does, by asking for it."""

import time
from collections.abc import Callable


def eventually(condition: Callable[[], bool], *, seconds: float = 10.0) -> None:
    """Return as soon as `condition` holds; fail when it does not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"did not come true within {seconds:g} s"
        time.sleep(0.02)
