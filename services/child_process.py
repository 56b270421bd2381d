"""A program run as a child that never outlives us, however we end."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from core.errors import FlowError
from services.clock import Clock, SystemClock

_PORTS = range(20_000, 32_000)
"""Below the ports the kernel gives to outgoing connections, so that none takes ours meanwhile."""
_KEPT_PORTS = 128
"""So many of the ports given out last are given to nobody else; each costs a descriptor."""
_POLL_SECONDS = 0.05

_kept: deque[int] = deque()
"""Their keepers' descriptors, which the system closes when this process ends."""


class ChildError(FlowError):
    """A child process did not start, or ended when it should not have."""


def free_port() -> int:
    """Return a loopback TCP port on which nothing listens now, and keep it as `keep_port` does."""
    while True:
        port = _PORTS[secrets.randbelow(len(_PORTS))]
        if keep_port(port):
            return port


def keep_port(port: int) -> bool:
    """Say whether nothing listens on a port and nobody keeps it; if so it is kept from here on.

    Between the choice of a port and the start of its server lie seconds, and a server that is
    killed and started again leaves it free meanwhile: until this process ends, or has been given
    ``_KEPT_PORTS`` more, no process of this machine is given the same by `free_port`.
    """
    # An abstract name: it belongs to the network's namespace, as ports do, and ends with us.
    keeper = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        keeper.bind(f"\0forcedflow-port-{port}")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
    except OSError:
        keeper.close()
        return False
    _kept.append(keeper.detach())
    if len(_kept) > _KEPT_PORTS:
        os.close(_kept.popleft())
    return True


class ChildProcess:
    """One program, in its own session, its output in a log file.

    The kernel kills it when the *thread* that started it ends, even by ``kill -9``: start it from
    a thread that lives as long as it shall. It may be started again after it has ended.

    Parameters
    ----------
    command : program and arguments
    directory : its working directory, made if needed; the log is ``<name>.log`` in it
    environment : its whole environment; ours if not given
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        directory: Path,
        environment: Mapping[str, str] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.name = name
        self.command = [str(word) for word in command]
        self.directory = directory
        self.log_file = directory / f"{name}.log"
        self._environment = environment
        self._clock = clock or SystemClock()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The running child's process id."""
        if self._process is None or self._process.poll() is not None:
            raise ChildError(f"{self.name} is not running")
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """The exit status of the last run, negative for a signal; None while it runs."""
        return None if self._process is None else self._process.poll()

    def start(self) -> None:
        """Start the program; its output is appended to the log file."""
        guard = shutil.which("setpriv")
        if guard is None:
            raise ChildError("expected the program setpriv (Debian package util-linux) on the PATH")
        self.directory.mkdir(parents=True, exist_ok=True)
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  the command is the caller's own
                [guard, "--pdeathsig", "KILL", "--", *self.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.directory,
                env=self._environment,
                start_new_session=True,
            )

    def wait_until(self, answers: Callable[[], bool], *, timeout_seconds: float) -> None:
        """Wait until `answers` returns true; a child that does not is killed.

        Raises
        ------
        ChildError
            when the child ended meanwhile or the time ran out; it carries the end of the log.
        """
        try:
            self._poll(answers, timeout_seconds)
        except BaseException:
            self.kill()
            raise

    def stop(self, *, grace_seconds: float = 10.0) -> None:
        """End the program: TERM, and KILL if it takes longer than `grace_seconds`."""
        process = self._process
        if process is None:
            return
        _signal(process, signal.SIGTERM)
        try:
            process.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            _kill(process)

    def kill(self) -> None:
        """End the program at once, as a crash would."""
        # Whoever watches it may start it again before we have seen its end.
        process = self._process
        if process is not None:
            _kill(process)

    def pause(self) -> None:
        """Freeze the program; it keeps its connections and says nothing from here on."""
        os.kill(self.pid, signal.SIGSTOP)
        # On a busy machine its threads run on until the first of them is given the signal.
        os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def resume(self) -> None:
        """Let a paused program go on."""
        os.kill(self.pid, signal.SIGCONT)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _poll(self, answers: Callable[[], bool], timeout_seconds: float) -> None:
        deadline = self._clock.monotonic() + timeout_seconds
        while not answers():
            if self.returncode is not None:
                raise self._failure(f"ended with status {self.returncode}")
            if self._clock.monotonic() > deadline:
                raise self._failure(f"did not answer within {timeout_seconds:g} s")
            time.sleep(_POLL_SECONDS)

    def _failure(self, what: str) -> ChildError:
        lines = self.log_file.read_text(errors="replace").splitlines()[-10:]
        tail = "".join(f"\n  {line}" for line in lines)
        return ChildError(f"{self.name} {what}; the end of {self.log_file}:{tail}")


def _kill(process: subprocess.Popen[bytes]) -> None:
    _signal(process, signal.SIGKILL)
    process.wait()


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    # The child leads its session and so its group; what it started goes with it.
    if process.poll() is None:
        os.killpg(process.pid, number)
