"""Processes under supervisord, which starts again what ends and goes on when we end.

It is started as a program and asked over its socket; nothing of it is imported.
"""

import http.client
import importlib.util
import os
import shlex
import socket
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Mapping, Sequence
from configparser import ConfigParser
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from core.errors import FlowError
from services.marked_processes import MARK

_TRIES = 20
"""Starts that fail within a second before it gives up; after n of them it waits n seconds."""
_LOG_BYTES = 20_000_000
_LOGS_KEPT = 3
_START_SECONDS = 15.0
_ANSWER_SECONDS = 5.0
_POLL_SECONDS = 0.1
_WITHOUT_WAITING = False
_FIRST, _LATER = 100, 200
"""Priorities: what is first starts first and ends last."""
_LONGEST_PATH = 107 - len(".4194304")
"""Bytes of a socket's path in Linux, less the process id under which it is made."""


@dataclass(frozen=True)
class Program:
    """One supervised process.

    Attributes
    ----------
    name : str                    of its log and in the supervisor
    group : str                   processes of a group are started and ended together
    is_first : bool               started with the supervisor, the others when asked
    ends_with : tuple[int, ...]   exit codes after which it is not started again; none: always is
    grace_seconds : int           between being asked to end and being killed
    """

    name: str
    group: str
    command: tuple[str, ...]
    is_first: bool = False
    ends_with: tuple[int, ...] = ()
    grace_seconds: int = 15


class State(NamedTuple):
    """What the supervisor says of a process.

    ``name`` is RUNNING, STARTING, BACKOFF (it ended at once and is tried again), EXITED, FATAL
    (given up), STOPPING or STOPPED; ``is_final`` says that it will not be started again.
    """

    name: str
    pid: int
    exit_code: int
    seconds: int
    is_final: bool


class SupervisorError(FlowError):
    """The supervisor does not start or does not answer."""


class Supervisor:
    """The supervisor whose files lie in ``home``; its processes' logs are in ``home/logs``."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.logs = home / "logs"
        self.config = home / "supervisord.conf"
        self.pid_file = home / "supervisord.pid"
        self.socket = home / "supervisor.sock"

    def log_of(self, name: str) -> Path:
        """Return the log file of a process."""
        return self.logs / f"{name}.log"

    def start(self, programs: Sequence[Program]) -> None:
        """Start it in the background, with those of the programs that are first.

        Raises
        ------
        SupervisorError
            If it is not installed or does not start; with its words.
        """
        if importlib.util.find_spec("supervisor") is None:
            raise SupervisorError(
                "the stack needs the package supervisor: install forcedflow[stack]"
            )
        if len(os.fsencode(self.socket)) > _LONGEST_PATH:
            raise SupervisorError(
                f"expected a folder whose path has at most "
                f"{_LONGEST_PATH - len(self.socket.name) - 1} bytes, for the supervisor's "
                f"socket, it was {self.home}"
            )
        self.logs.mkdir(parents=True, exist_ok=True)
        self._write_config(programs)
        run = subprocess.run(  # noqa: S603  no word of it comes from outside
            [sys.executable, "-m", "supervisor.supervisord", "-c", str(self.config)],
            env=os.environ | {MARK: str(self.home)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if run.returncode != 0:
            raise SupervisorError(f"supervisord did not start:\n{run.stdout}{run.stderr}")
        deadline = time.monotonic() + _START_SECONDS
        while not self.answers():
            if time.monotonic() > deadline:
                raise SupervisorError(
                    f"supervisord did not answer within {_START_SECONDS:g} s; its log: "
                    f"{self.log_of('supervisord')}"
                )
            time.sleep(_POLL_SECONDS)

    def answers(self) -> bool:
        """Say whether it is there."""
        try:
            self.states()
        except SupervisorError:
            return False
        return True

    def states(self) -> dict[str, State]:
        """Return the state of every process by its name.

        Raises
        ------
        SupervisorError
            If it does not answer.
        """
        config = ConfigParser(interpolation=None)
        config.read(self.config)
        return {
            info["name"]: _state(info, config[f"program:{info['name']}"])
            for info in self._ask("getAllProcessInfo")
        }

    def start_group(self, group: str) -> None:
        """Start the processes of a group, and return at once.

        Raises
        ------
        SupervisorError
            If it does not answer or has started them before.
        """
        self._ask("startProcessGroup", group, _WITHOUT_WAITING)

    def shut_down(self) -> None:
        """Ask it to end all processes, what is first last, and then itself; return at once.

        Raises
        ------
        SupervisorError
            If it does not answer.
        """
        self._ask("shutdown")

    def _ask(self, method: str, *words: object) -> Any:  # noqa: ANN401  as the protocol has it
        server = xmlrpc.client.ServerProxy("http://localhost", transport=_Socket(self.socket))
        try:
            with server:
                return getattr(server.supervisor, method)(*words)
        except (OSError, http.client.HTTPException, xmlrpc.client.Error) as error:
            raise SupervisorError(f"expected an answer at {self.socket}: {error}") from error

    def _write_config(self, programs: Sequence[Program]) -> None:
        config = ConfigParser(interpolation=None)
        config["supervisord"] = _escaped(
            {
                "pidfile": self.pid_file,
                "logfile": self.log_of("supervisord"),
                "childlogdir": self.logs,
                "directory": Path.cwd(),
                # Said explicitly, it may be root; others cannot choose.
                **({"user": "root"} if os.getuid() == 0 else {}),
            }
        )
        config["unix_http_server"] = _escaped({"file": self.socket, "chmod": "0700"})
        config["rpcinterface:supervisor"] = {
            "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"
        }
        config["supervisorctl"] = _escaped({"serverurl": f"unix://{self.socket}"})
        for program in programs:
            config[f"program:{program.name}"] = _escaped(self._section(program))
        for group in dict.fromkeys(program.group for program in programs):
            members = [program for program in programs if program.group == group]
            priority = _FIRST if members[0].is_first else _LATER
            names = ",".join(program.name for program in members)
            config[f"group:{group}"] = {"programs": names, "priority": str(priority)}
        with self.config.open("w") as file:
            config.write(file)

    def _section(self, program: Program) -> dict[str, object]:
        return {
            "command": shlex.join(program.command),
            "autostart": program.is_first,
            "autorestart": "unexpected" if program.ends_with else "true",
            "exitcodes": ",".join(map(str, program.ends_with or (0,))),
            "startretries": _TRIES,
            "stopwaitsecs": program.grace_seconds,
            "stopasgroup": True,
            "killasgroup": True,
            "redirect_stderr": True,
            "stdout_logfile": self.log_of(program.name),
            "stdout_logfile_maxbytes": _LOG_BYTES,
            "stdout_logfile_backups": _LOGS_KEPT,
        }


def _escaped(section: dict[str, object]) -> dict[str, str]:
    """Return a section as supervisord reads it: a percent sign would begin a variable."""
    return {key: str(value).replace("%", "%%") for key, value in section.items()}


def _state(info: Mapping[str, Any], program: Mapping[str, str]) -> State:
    has_ended = info["statename"] == "EXITED" and program["autorestart"] == "unexpected"
    is_final = info["statename"] == "FATAL" or (
        has_ended and str(info["exitstatus"]) in program["exitcodes"].split(",")
    )
    seconds = info["now"] - info["start"]
    return State(info["statename"], info["pid"], info["exitstatus"], seconds, is_final)


class _Socket(xmlrpc.client.Transport):
    """Carries calls over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: tuple[str, dict[str, str]] | str) -> http.client.HTTPConnection:
        connection = _SocketConnection(self._path)
        # Where the base class looks for what it has to close.
        self._connection = host, connection
        return connection


class _SocketConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=_ANSWER_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))
