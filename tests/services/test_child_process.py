import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from services.child_process import ChildError, ChildProcess, free_port, keep_port
from services.wheel_programs import wheel_program
from tests.support.waiting import eventually

KEEP = "import sys; from services.child_process import *; print(keep_port(int(sys.argv[1])))"


def test_a_child_that_ends_is_reported_with_the_end_of_its_log(tmp_path: Path) -> None:
    child = ChildProcess("broken", ["sh", "-c", "echo no such port; exit 3"], directory=tmp_path)
    child.start()

    with pytest.raises(ChildError, match=r"broken ended with status 3(.|\n)*no such port"):
        child.wait_until(lambda: False, timeout_seconds=20)


def test_a_child_that_does_not_answer_in_time_is_killed(tmp_path: Path) -> None:
    child = ChildProcess("silent", ["sleep", "600"], directory=tmp_path)
    child.start()

    with pytest.raises(ChildError, match=r"silent did not answer within 0\.1 s"):
        child.wait_until(lambda: False, timeout_seconds=0.1)
    assert child.returncode == -9


def test_a_child_that_ignores_the_request_to_end_is_killed(tmp_path: Path) -> None:
    child = ChildProcess(
        "deaf", ["sh", "-c", "trap '' TERM; echo up; sleep 600"], directory=tmp_path
    )
    child.start()
    child.wait_until(lambda: "up" in child.log_file.read_text(), timeout_seconds=20)

    child.stop(grace_seconds=0.1)

    assert child.returncode == -9


def test_a_child_has_no_pid_once_it_has_ended(tmp_path: Path) -> None:
    child = ChildProcess("short", ["true"], directory=tmp_path)
    with child:
        eventually(lambda: child.returncode == 0)

    with pytest.raises(ChildError, match="short is not running"):
        _ = child.pid


def test_free_ports_lie_below_those_of_outgoing_connections() -> None:
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])

    assert all(free_port() < first for _ in range(20))


def keeps_elsewhere(port: int) -> str:
    """Return whether another process, which ends at once, may have a port."""
    words = [sys.executable, "-c", KEEP, str(port)]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


def test_a_port_is_given_once_although_nothing_listens_there_yet() -> None:
    port = free_port()

    assert not keep_port(port)
    assert keeps_elsewhere(port) == "False"


def test_a_port_is_free_again_when_who_was_given_it_has_ended() -> None:
    port = next(each for each in range(31_999, 20_000, -1) if keeps_elsewhere(each) == "True")

    assert keep_port(port)


def test_to_kill_who_is_started_again_at_once_ends_one_start_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kill_group = os.killpg
    with ChildProcess("kept", ["sleep", "600"], directory=tmp_path) as child:
        first = child.pid

        def kill_and_start(group: int, number: signal.Signals) -> None:
            kill_group(group, number)
            monkeypatch.undo()
            os.waitid(os.P_PID, group, os.WEXITED | os.WNOWAIT)
            child.start()

        monkeypatch.setattr(os, "killpg", kill_and_start)

        child.kill()

        assert child.pid != first


def test_a_missing_package_is_named_with_how_to_install_it() -> None:
    with pytest.raises(ChildError, match=r"no_such_package: install forcedflow\[embedded\]"):
        wheel_program("no_such_package", "bin/program")


def test_a_child_has_stopped_when_pause_returns(tmp_path: Path) -> None:
    with ChildProcess("busy", ["sh", "-c", "while :; do :; done"], directory=tmp_path) as child:
        for _ in range(50):
            child.pause()
            state = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[0]
            assert state == "T"
            child.resume()
