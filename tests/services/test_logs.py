"""What logs say of an error."""

import io
import os
import pty
import subprocess
import sys

PROGRAM = """\
import structlog
from services.logs import configure_logs

def fail(secret):
    raise ValueError("it failed")

configure_logs()
try:
    fail("pass" + "phrase")
except ValueError:
    structlog.get_logger().exception("failed")
"""


def test_a_traceback_on_a_terminal_shows_no_variables() -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        with os.fdopen(theirs, "wb", buffering=0) as stderr:
            subprocess.run([sys.executable, "-c", PROGRAM], stderr=stderr, check=True)
        told = _all(terminal).decode()

    assert "ValueError: it failed" in told
    assert "passphrase" not in told


def _all(terminal: io.FileIO) -> bytes:
    """Return all there is: the end of a terminal that nobody writes to is an error."""
    told = b""
    try:
        while more := terminal.read(4096):
            told += more
    except OSError:
        pass
    return told
