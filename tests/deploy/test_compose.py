"""What of deploy/compose.yaml can be checked without Docker."""

import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.alerter_settings import AlerterSettings
from services.child_process import ChildProcess, free_port
from services.cli import main
from services.gateway_settings import GatewaySettings
from services.kafka_nodes import DEPLOYED, SMALL, KafkaNode, java_command
from services.settings_base import ENVIRONMENT_PREFIX
from services.stack_layout import Layout
from services.stack_settings import StackSection
from services.worker_settings import WorkerSettings
from tests.support.commands import unknown_words

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
ONE_SHOT = {"market", "topics", "universe"}
BINDING = re.compile(r"127\.0\.0\.1:(\d+):(\d+)")


def mounts() -> Iterator[tuple[str, str]]:
    for name, service in SERVICES.items():
        for volume in service.get("volumes", []):
            yield name, volume.partition(":")[0]


def test_every_mounted_file_and_volume_exists() -> None:
    volumes = COMPOSE["volumes"].keys()
    missing = [
        (name, source)
        for name, source in mounts()
        if not (source in volumes or (source.startswith("./") and (DEPLOY / source).exists()))
    ]

    assert missing == []


def test_ports_are_those_of_the_stack_and_on_loopback() -> None:
    usual = {port.owner: port.number for port in Layout(StackSection()).ports()}
    owner = {"kafka": "kafka-1"}
    bound = {}
    # The stack of `make stack` has no Grafana: there is no package of it.
    usual["grafana"] = 3000
    for name, service in SERVICES.items():
        for text in service.get("ports", []):
            match = BINDING.fullmatch(text)
            assert match is not None, text
            bound[owner.get(name, name)] = int(match[1])

    assert bound == {name: port for name, port in usual.items() if "controller" not in name}


def test_our_commands_options_and_variables_exist() -> None:
    sections = {
        name: field.annotation
        for settings in (WorkerSettings, GatewaySettings, AlerterSettings)
        for name, field in settings.model_fields.items()
    }
    for name, service in OURS.items():
        assert unknown_words(main, service["command"]) == [], name
        for variable in service.get("environment", {}):
            section, _, key = variable.removeprefix(ENVIRONMENT_PREFIX).lower().partition("__")
            fields = getattr(sections[section], "model_fields", {})
            assert key in fields, variable


def test_every_process_that_stays_says_how_it_is() -> None:
    for name, service in SERVICES.items():
        assert ("healthcheck" in service) == (name not in ONE_SHOT), name
        words = service.get("healthcheck", {}).get("test", [])
        if name in OURS and words:
            assert words[:2] == ["CMD", "forcedflow"]
            assert unknown_words(main, words[2:]) == []


def test_what_is_waited_for_exists_and_can_say_so() -> None:
    for service in SERVICES.values():
        for name, how in service.get("depends_on", {}).items():
            wanted = "service_completed_successfully" if name in ONE_SHOT else "service_healthy"
            assert how["condition"] == wanted


def test_our_containers_may_do_little() -> None:
    for service in OURS.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
    assert "\nUSER forcedflow\n" in (DEPLOY / "Dockerfile").read_text()


def test_what_the_image_is_made_of_exists() -> None:
    root = DEPLOY.parent
    copied = re.findall(r"^COPY (?!--from)(\S+)", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    let_in = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()

    assert copied
    for name in copied:
        assert (root / name).exists()
        assert f"!{name}" in let_in


def test_prometheus_looks_for_the_services_where_they_listen() -> None:
    listening = {
        f"{name}:{BINDING.fullmatch(text)[2]}"  # type: ignore[index]
        for name, service in SERVICES.items()
        for text in service.get("ports", [])
    }
    groups = [
        group
        for name in ("compose-targets.yml", "compose-alertmanagers.yml")
        for group in yaml.safe_load((DEPLOY / "prometheus" / name).read_text())
    ]
    deployed = yaml.safe_load((DEPLOY / "prometheus" / "targets.yml").read_text())

    assert {target for group in groups for target in group["targets"]} < listening
    jobs = [group["labels"]["job"] for group in deployed]
    assert [group["labels"]["job"] for group in groups if "labels" in group] == jobs


def test_the_broker_is_the_one_the_jars_are_of() -> None:
    jars = tomllib.loads((DEPLOY / "kafka" / "jgo.toml").read_text())["dependencies"]

    version = SERVICES["kafka"]["image"].partition(":")[2]
    assert f"org.apache.kafka:kafka_2.13:{version}" in jars["coordinates"]


@pytest.mark.timeout(180)
def test_the_broker_starts_with_the_mounted_settings_and_the_variables(tmp_path: Path) -> None:
    # As the image does it: its own program adds the variables to the mounted file and formats.
    java = java_command(DEPLOYED, SMALL)
    inner, outer, controller = free_port(), free_port(), free_port()
    own = {"19092": inner, "9092": outer, "9093": controller}
    variables = {
        name: re.sub(r"(?<=:)(19092|9092|9093)\b", lambda found: str(own[found[1]]), text)
        .replace("kafka:", "127.0.0.1:")
        .replace("//:", "//127.0.0.1:")
        .replace("/var/lib/kafka", str(tmp_path))
        for name, text in SERVICES["kafka"]["environment"].items()
    }
    defaults, mounted, final = (tmp_path / name for name in ("defaults", "mounted", "final"))
    for folder in (defaults, mounted, final):
        folder.mkdir()
    shutil.copy(DEPLOYED / "server.properties", mounted)
    where = ("--default-configs-dir", defaults, "--mounted-configs-dir", mounted)
    set_up = ("kafka.docker.KafkaDockerWrapper", "setup", *where, "--final-configs-dir", final)
    environment = os.environ | variables
    subprocess.run(
        [*java, *map(str, set_up)], env=environment, capture_output=True, check=True, timeout=60
    )
    command = [*java, "kafka.Kafka", str(final / "server.properties")]

    with ChildProcess("kafka", command, directory=tmp_path, environment=environment) as broker:
        for port in (inner, outer):
            node = KafkaNode(1, tmp_path, port, controller)
            broker.wait_until(lambda n=node: n.brokers_seen() == {1}, timeout_seconds=60)  # type: ignore[misc]
