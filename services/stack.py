"""The local stack: everything an operator would run, as native processes under a supervisor."""

import fcntl
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from core.errors import ConfigError, FlowError
from services import stack_preparation as preparation
from services.clock import Clock
from services.findings import Finding, Verdict
from services.marked_processes import end, processes_of, wait_until
from services.market_progress import market_ns
from services.stack_health import GROUPS, SERVERS, examine, has_played
from services.stack_layout import Layout
from services.stack_play import START_NS
from services.stack_programs import prometheus, servers, services
from services.stack_universe import import_once
from services.supervisor import Supervisor
from services.topics_admin import create_topics
from streams.topics import TOPICS

START_SECONDS = 300.0
"""Until everything answers; half a minute does on a machine that does nothing else."""
END_SECONDS = 90.0
_GRACE_SECONDS = 10.0
_POLL_SECONDS = 0.25
_TELL_SECONDS = 10.0

Tell = Callable[[str], None]


class StackError(FlowError):
    """The stack does not come up; ``findings`` say how far it came."""

    def __init__(self, message: str, findings: list[Finding]) -> None:
        super().__init__(message)
        self.findings = findings


def up(layout: Layout, *, is_fresh: bool, clock: Clock, tell: Tell) -> list[Finding]:
    """Start the stack; return the health of all its processes, all of them well.

    ``tell`` is given a line for each step. What was started goes on if this ends early.

    Parameters
    ----------
    is_fresh : erase what an earlier run left

    Raises
    ------
    ConfigError
        If something is missing or in the way, or the settings contradict the data.
    StackError
        If a process does not get ready in time.
    """
    with _alone(layout.home):
        _refuse_second(layout)
        if found := preparation.faults(layout):
            raise ConfigError("\n".join(found))
        if is_fresh:
            preparation.erase(layout.home)
        _refuse_other_data(layout)
        return _Start(layout, clock, tell).run()


def down(home: Path, tell: Tell) -> None:
    """End every process of the stack in a folder, also where its supervisor is gone."""
    if not (running := processes_of(home)):
        tell(f"nothing of a stack runs in {home}")
        return
    supervisor = Supervisor(home)
    if supervisor.answers():
        tell(f"ending {len(running) - 1} processes and their supervisor; data are kept")
        supervisor.shut_down()
        wait_until(lambda: not processes_of(home), seconds=END_SECONDS)
    if left := processes_of(home):
        tell(f"ending {len(left)} processes that no supervisor watches")
        end(home, grace_seconds=_GRACE_SECONDS)
    tell("every process has ended")


def _refuse_second(layout: Layout) -> None:
    if not (running := processes_of(layout.home)):
        return
    if Supervisor(layout.home).answers():
        raise ConfigError(
            f"a stack of {len(running) - 1} processes runs in {layout.home}; forcedflow stack "
            "status says how it is, forcedflow stack down ends it"
        )
    lines = "".join(f"\n  {pid} {words[:100]}" for pid, words in sorted(running.items()))
    raise ConfigError(
        f"processes of an earlier stack run without their supervisor in {layout.home}; "
        f"forcedflow stack down ends them:{lines}"
    )


def _refuse_other_data(layout: Layout) -> None:
    """Refuse to start on data of another number of Kafka nodes, or of another market."""
    before = preparation.saved(layout.home)
    if before is None:
        return
    now = layout.settings
    faults = [
        f"setting stack.{name}: expected {was or 'none'}, as the data in {layout.home} have it, it "
        f"was {wanted or 'none'}"
        for name, was, wanted in (
            ("nodes", before.nodes, now.nodes),
            ("universe", before.universe, now.universe),
        )
        if was != wanted
    ]
    if faults:
        raise ConfigError("\n".join([*faults, "forcedflow stack up --fresh erases these data"]))


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    try:
        home.mkdir(parents=True, exist_ok=True)
        opened = (home / "lock").open("w")
    except OSError as error:
        message = f"setting stack.directory: expected a folder to write to, it was {home}"
        raise ConfigError(f"{message}: {error.strerror}") from error
    with opened as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConfigError(f"{home}: a stack is just being started in it") from error
        yield


class _Start:
    """One start: step by step, each when what it needs answers."""

    def __init__(self, layout: Layout, clock: Clock, tell: Tell) -> None:
        self._layout = layout
        self._clock = clock
        self._tell = tell
        self._supervisor = Supervisor(layout.home)
        self._deadline = clock.monotonic() + START_SECONDS

    def run(self) -> list[Finding]:
        layout = self._layout
        nodes = _count(len(layout.nodes), "node")
        self._tell(f"preparing {layout.home}")
        java = preparation.write_files(layout)
        self._tell(f"starting Kafka ({nodes}), Redis, Alertmanager")
        programs = [*servers(layout, java), *services(layout), prometheus(layout)]
        self._supervisor.start(programs)
        self._until_ready(SERVERS)
        self._make_topics()
        import_once(layout, self._clock, tell=self._tell)
        self._tell(f"starting {_count(layout.settings.workers, 'worker')} and the gateway")
        self._supervisor.start_group("worker")
        self._supervisor.start_group("gateway")
        self._until_ready(["worker"])
        if layout.plays_market:
            self._tell("sending what lies before the play; waiting for the workers to catch up")
            self._until_caught_up()
        self._tell("starting the alerters")
        self._supervisor.start_group("alerter")
        self._until_ready(["alerter"])
        self._tell("starting Prometheus, which watches them")
        self._supervisor.start_group("prometheus")
        return self._until_ready(GROUPS)

    def _make_topics(self) -> None:
        """Make the topics, and wait until every node knows them: a worker asks any."""
        create_topics(self._layout.bootstrap, replication=len(self._layout.nodes))
        names = {spec.name for spec in TOPICS}
        while not all(names <= node.topics_seen() for node in self._layout.nodes):
            self._check(["kafka"])
            time.sleep(_POLL_SECONDS)

    def _until_ready(self, groups: Collection[str]) -> list[Finding]:
        """Wait until no process of some groups has a problem; return the last findings."""
        told_at = self._clock.monotonic()
        while True:
            findings = examine(self._layout, self._clock, groups=groups)
            problems = [each for each in findings if each.verdict is Verdict.PROBLEM]
            if not problems:
                return findings
            self._check(groups)
            if self._clock.monotonic() - told_at > _TELL_SECONDS:
                told_at = self._clock.monotonic()
                self._tell(f"  waiting for {problems[0].subject}: {problems[0].found}")
            time.sleep(_POLL_SECONDS)

    def _until_caught_up(self) -> None:
        """Wait until the workers' market time has reached the beginning of the play."""
        with redis.Redis.from_url(self._layout.redis_url) as store:
            while not self._has_reached(store):
                self._check(["worker", "gateway"])
                time.sleep(_POLL_SECONDS)

    @staticmethod
    def _has_reached(store: redis.Redis) -> bool:
        try:
            return market_ns(store) >= START_NS
        except redis.RedisError:
            # It may be on its way back.
            return False

    def _check(self, groups: Collection[str]) -> None:
        """Raise if it takes too long, or a process will not be started again."""
        ended = [
            name
            for name, state in self._supervisor.states().items()
            if state.is_final and not has_played(name, state)
        ]
        if ended:
            raise self._failure(f"not started: {', '.join(ended)}", groups)
        if self._clock.monotonic() > self._deadline:
            raise self._failure(f"not everything answers after {START_SECONDS:g} s", groups)

    def _failure(self, message: str, groups: Collection[str]) -> StackError:
        findings = examine(self._layout, self._clock, groups=groups)
        return StackError(message, [each for each in findings if each.verdict is Verdict.PROBLEM])


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number > 1)}"
