"""``forcedflow run`` as a user starts it: in a pipe, on a terminal, twice, and interrupted."""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from tests.support.waiting import eventually

START_SECONDS = 90.0
"""Until the first figures: a broker, a market and three processes on a busy machine."""
END_SECONDS = 30.0
RUN_DIRECTORY = ".forcedflow/run"
HEADERS = ("Forced flow at the close", "of auction", "P(breach)", "to cut-off")
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
FLOW_LINE = re.compile(r"  SELL [A-Z0-9]+ +-[\d.]+ bn  auction +-\d+ %  ADV +-[\d.]+ %  \d+ min to")
CLOSED_CLOCK = re.compile(r"market time 2026-06-23 16:\d\d:\d\d-04:00")
ALERT_LINE = re.compile(r"\d\d:\d\d:\d\d ALERT \d\d:\d\d:\d\d (WATCH|WARNING|CRITICAL) .*not sent")


class Output:
    """What a process says, read as it comes so that it never waits for us."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._content = b""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            while chunk := os.read(self._stream.fileno(), 65536):
                self._content += chunk
        except OSError:
            # A pseudo-terminal whose last writer has gone gives an error, not an end.
            return

    def text(self) -> str:
        """Return it without what only moves the cursor or sets a colour."""
        return ESCAPE.sub("", self._content.decode())

    def until(self, condition: Callable[[str], bool], *, seconds: float = START_SECONDS) -> None:
        """Wait until `condition` holds for the text; say what there was if it does not."""
        try:
            eventually(lambda: condition(self.text()), seconds=seconds)
        except AssertionError:
            pytest.fail(f"within {seconds:g} s it said no more than:\n{self.text()}")

    def is_raw(self) -> bool:
        """Say whether there is nothing of a terminal in it."""
        return b"\x1b" not in self._content and b"\r" not in self._content

    def close(self) -> None:
        self._thread.join()
        self._stream.close()


def processes_in(directory: Path) -> list[str]:
    """Return the command lines of all processes that work in a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            folder = (process / "cwd").readlink()
            if folder.is_relative_to(directory):
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            # It has ended meanwhile.
            continue
    return found


def command(*words: str) -> list[str]:
    # A shell's background job is started deaf to SIGINT, and so is all that it starts.
    return ["env", "--default-signal=INT", sys.executable, "-m", "services", "run", *words]


@contextmanager
def in_a_pipe(folder: Path, *words: str) -> Iterator[tuple[subprocess.Popen[bytes], Output]]:
    process = subprocess.Popen(
        command(*words), cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout is not None
    output = Output(process.stdout)
    with ended(process, output):
        yield process, output


@contextmanager
def on_a_terminal(folder: Path, *words: str) -> Iterator[tuple[subprocess.Popen[bytes], Output]]:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 160, 0, 0))
    # pytest-xdist says 80 columns to its workers, and that goes before what a terminal says.
    told = {name: text for name, text in os.environ.items() if name not in {"COLUMNS", "LINES"}}
    process = subprocess.Popen(
        command(*words),
        cwd=folder,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=told | {"TERM": "xterm-256color"},
    )
    os.close(theirs)
    output = Output(os.fdopen(ours, "rb", buffering=0))
    with ended(process, output):
        yield process, output


@contextmanager
def ended(process: subprocess.Popen[bytes], output: Output) -> Iterator[None]:
    try:
        yield
    finally:
        # Whatever a failed test leaves: the children of a run die with it.
        process.kill()
        process.wait()
        output.close()


def interrupt(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    process.send_signal(number)
    assert process.wait(END_SECONDS) == 0


@pytest.mark.timeout(240)
def test_in_a_pipe_it_says_what_is_due_and_ctrl_c_ends_it(tmp_path: Path) -> None:
    directory = tmp_path / RUN_DIRECTORY
    with in_a_pipe(tmp_path, "--speed", "120") as (process, output):
        output.until(lambda text: FLOW_LINE.search(text) is not None)
        output.until(lambda text: ALERT_LINE.search(text) is not None)
        names = " ".join(processes_in(directory))
        for name in ("kafka.Kafka", "redis-server", " worker ", " gateway ", " alerter "):
            assert name in names

        refused = subprocess.run(
            command(), cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
        )
        assert refused.returncode == 2
        assert "another run is using it" in refused.stderr
        assert process.poll() is None

        interrupt(process, signal.SIGINT)
        eventually(lambda: processes_in(directory) == [])
        output.until(lambda text: "interrupted; every process has ended" in text)
        assert output.is_raw()

    left_behind = directory / "left-behind"
    left_behind.touch()
    with in_a_pipe(tmp_path) as (process, output):
        eventually(lambda: bool(processes_in(directory)), seconds=START_SECONDS)
        assert not left_behind.exists()
        # In the midst of its start.
        interrupt(process, signal.SIGTERM)
        eventually(lambda: processes_in(directory) == [])


@pytest.mark.timeout(240)
def test_on_a_terminal_it_shows_the_table_and_ends_after_the_close(tmp_path: Path) -> None:
    directory = tmp_path / RUN_DIRECTORY
    with on_a_terminal(tmp_path, "--start", "15:50", "--speed", "60") as (process, output):
        for words in (*HEADERS, "SELL", "Alerts ("):
            output.until(lambda text, words=words: words in text)  # type: ignore[misc]
        assert not output.is_raw()

        assert process.wait(START_SECONDS) == 0
        output.until(lambda text: CLOSED_CLOCK.search(text) is not None)
    eventually(lambda: processes_in(directory) == [])
