"""The local stack as an operator starts, watches, hurts and ends it."""

import os
import re
import signal
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from kafka import KafkaAdminClient

from services.health_catalogue import records
from streams.topics import PRICES
from tests.support.listeners import listening_addresses
from tests.support.stack_runner import StackRunner
from tests.support.waiting import eventually

pytestmark = [
    pytest.mark.debian("redis-server"),
    pytest.mark.debian("prometheus"),
    pytest.mark.debian("prometheus-alertmanager"),
    pytest.mark.timeout(600),
]

EXAMPLE = Path(__file__).resolve().parents[1] / "data" / "example"
BACK_SECONDS = 10.0
"""Within which a supervisor has started what ended."""
WELL_SECONDS = 90.0
"""Until it also answers, on a machine that runs other tests."""
SENT = re.compile(r"gateway: .*has sent all up to (\S+ \S+) UTC")


@pytest.fixture
def one_node(tmp_path: Path) -> Iterator[StackRunner]:
    with StackRunner(tmp_path) as stack:
        yield stack


@pytest.fixture
def three_nodes(tmp_path: Path) -> Iterator[StackRunner]:
    """On a feed of the test's own: an hour of its market, as slowly as a day goes."""
    feed = f"--prices {EXAMPLE}/prices.jsonl --start-at 2026-06-16T15:00:00-04:00"
    own = {"feed": feed, "universe": EXAMPLE / "universe", "rules": EXAMPLE / "rules.yaml"}
    with StackRunner(tmp_path, nodes=3, workers=1, **own) as stack:
        yield stack


def sent_up_to(stack: StackRunner) -> datetime:
    """Return what the gateway says it has sent, once it says so."""
    said: list[str] = []

    def is_told() -> bool:
        said[:] = SENT.findall(stack.run("status").stdout)
        return bool(said)

    eventually(is_told, seconds=WELL_SECONDS)
    return datetime.fromisoformat(f"{said[0]}+00:00")


def test_everything_comes_up_answers_and_is_supervised(one_node: StackRunner) -> None:
    stack = one_node
    said = stack.up()

    for name in ("kafka-1", "redis", "alertmanager", "prometheus", "worker-2", "alerter-1"):
        assert f"ok       {name}: {stack.layout.address_of(name)} " in said
    assert "judges all 12 partitions" in said
    jobs = {"forcedflow-worker": 2, "forcedflow-gateway": 1, "forcedflow-alerter": 2}
    eventually(lambda: stack.targets() == jobs | {"prometheus": 1, "alertmanager": 1}, seconds=30)

    # The rules find all that they ask for, and what Prometheus raises arrives.
    eventually(lambda: stack.recorded() == {record.name for record in records()}, seconds=60)
    # Prometheus says an alert again each minute; the first time it may not know to whom.
    eventually(lambda: "Watchdog" in stack.firing(), seconds=WELL_SECONDS)

    for pid in stack.processes():
        assert {str(address) for address in listening_addresses(pid)} <= {"127.0.0.1"}

    again = stack.run("up")
    assert again.returncode == 2
    assert f"a stack of 9 processes runs in {stack.home}" in again.stderr

    before = sent_up_to(stack)
    killed = {name: stack.state(name).pid for name in ("worker-1", "gateway")}
    # Who is killed may be back before anybody has asked.
    for pid in killed.values():
        os.kill(pid, signal.SIGSTOP)
    wrong = stack.run("status")
    assert wrong.returncode == 1
    for name in killed:
        assert f"problem  {name}: {stack.layout.address_of(name)} does not answer" in wrong.stdout
    for pid in killed.values():
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: all(stack.is_new(*each) for each in killed.items()), seconds=BACK_SECONDS)
    eventually(stack.is_well, seconds=WELL_SECONDS)
    # The gateway went on; it did not play the market anew.
    assert sent_up_to(stack) > before

    down = stack.run("down")
    assert down.returncode == 0
    assert "every process has ended" in down.stdout
    assert stack.processes() == {}

    other = stack.run("up", "--nodes", "3")
    assert other.returncode == 2
    assert f"setting stack.nodes: expected 1, as the data in {stack.home} have it" in other.stderr
    assert "nothing of a stack runs" in stack.run("status").stderr


def test_three_nodes_go_on_without_one_and_end_without_their_supervisor(
    three_nodes: StackRunner,
) -> None:
    stack = three_nodes
    said = stack.up()
    assert said.count("sees 3 of 3 brokers") == 3
    assert copies(stack.layout.bootstrap) == {3}

    frozen = stack.state("kafka-2").pid
    os.kill(frozen, signal.SIGSTOP)
    wrong = stack.run("status")
    assert wrong.returncode == 1
    assert f"problem  kafka-2: {stack.layout.address_of('kafka-2')} does not answer" in wrong.stdout
    assert "the other nodes serve what it held" in wrong.stdout
    assert f"its log: {stack.home}/logs/kafka-2.log" in wrong.stdout
    before = sent_up_to(stack)
    eventually(lambda: sent_up_to(stack) > before, seconds=WELL_SECONDS)
    os.kill(frozen, signal.SIGKILL)
    eventually(lambda: stack.is_new("kafka-2", frozen), seconds=BACK_SECONDS)
    eventually(stack.is_well, seconds=WELL_SECONDS)

    os.kill(int(stack.supervisor.pid_file.read_text()), signal.SIGKILL)
    eventually(lambda: "problem  supervisor" in stack.run("status").stdout)
    refused = stack.run("up")
    assert refused.returncode == 2
    assert "run without their supervisor" in refused.stderr
    assert "that no supervisor watches" in stack.run("down").stdout
    assert stack.processes() == {}
    assert "nothing of a stack runs" in stack.run("down").stdout


def copies(bootstrap: str) -> set[int]:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        (topic,) = admin.describe_topics([PRICES])
        return {len(partition["replica_nodes"]) for partition in topic["partitions"]}
    finally:
        admin.close()


def test_what_is_in_the_way_is_said_all_at_once(one_node: StackRunner, tmp_path: Path) -> None:
    bare = tmp_path / "bin"
    bare.mkdir()
    taken = str(one_node.settings.redis_port)

    twice = one_node.run("up", FORCEDFLOW_STACK__PROMETHEUS_PORT=taken)
    missing = one_node.run("up", PATH=str(bare))

    assert twice.returncode == missing.returncode == 2
    assert "setting stack.prometheus_port: expected a port of its own for pro" in twice.stderr
    assert f"it was {taken}" in twice.stderr
    packages = "redis-server prometheus prometheus-alertmanager"
    assert f"apt-get install --no-install-recommends {packages}" in missing.stderr
    assert one_node.processes() == {}
