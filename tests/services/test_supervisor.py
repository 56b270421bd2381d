import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.marked_processes import end, processes_of
from services.supervisor import Program, Supervisor, SupervisorError
from tests.support.waiting import eventually

BACK_SECONDS = 10.0


def shell(name: str, words: str, *, is_first: bool = True, **options: object) -> Program:
    return Program(name, name, ("sh", "-c", words), is_first, **options)  # type: ignore[arg-type]


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    yield Supervisor(tmp_path)
    end(tmp_path, grace_seconds=0.0)


def test_what_ends_is_started_again_and_what_has_done_its_work_is_not(
    supervisor: Supervisor,
) -> None:
    home = supervisor.home
    supervisor.start(
        [
            shell("server", "echo 100 % up; exec sleep 600"),
            shell("player", "sleep 1.5; exit 0", ends_with=(0, 2)),
            shell("broken", "exit 1"),
            shell("later", "exec sleep 600", is_first=False),
        ]
    )
    eventually(lambda: supervisor.states()["server"].name == "RUNNING")
    assert supervisor.states()["later"].name == "STOPPED"
    eventually(lambda: supervisor.states()["broken"].name == "BACKOFF")
    eventually(lambda: supervisor.log_of("server").read_text() == "100 % up\n")

    old_pid = supervisor.states()["server"].pid
    os.kill(old_pid, signal.SIGKILL)
    eventually(lambda: supervisor.states()["server"].pid not in {0, old_pid}, seconds=BACK_SECONDS)

    supervisor.start_group("later")
    eventually(lambda: supervisor.states()["later"].name == "RUNNING")
    eventually(lambda: supervisor.states()["player"].is_final)
    assert supervisor.states()["player"].exit_code == 0
    assert not supervisor.states()["server"].is_final

    supervisor.shut_down()
    eventually(lambda: processes_of(home) == {})
    assert not supervisor.answers()


def test_its_processes_are_found_and_ended_without_it(supervisor: Supervisor) -> None:
    home = supervisor.home
    supervisor.start([shell("deaf", "trap '' TERM; while :; do sleep 600; done")])
    eventually(lambda: supervisor.states()["deaf"].name == "RUNNING")
    os.kill(int(supervisor.pid_file.read_text()), signal.SIGKILL)
    eventually(lambda: not supervisor.answers())
    eventually(lambda: any("sleep 600" in words for words in processes_of(home).values()))

    end(home, grace_seconds=0.3)

    assert processes_of(home) == {}


def test_only_what_belongs_to_the_folder_is_found(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start([shell("one", "exec sleep 600")])

    assert processes_of(tmp_path / "other") == {}
    assert processes_of(tmp_path.parent) == {}
    assert os.getpid() not in processes_of(tmp_path)


def test_a_folder_too_deep_for_a_socket_is_said(tmp_path: Path) -> None:
    deep = Supervisor(tmp_path / ("d" * 100))

    with pytest.raises(SupervisorError, match="expected a folder whose path has at most 83 bytes"):
        deep.start([])


def test_a_supervisor_that_is_not_there_is_said(tmp_path: Path) -> None:
    absent = Supervisor(tmp_path)

    assert not absent.answers()
    with pytest.raises(SupervisorError, match=r"expected an answer at \S+/supervisor\.sock"):
        absent.states()
