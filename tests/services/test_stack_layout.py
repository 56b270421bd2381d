from pathlib import Path

import pytest
from click.testing import CliRunner

from core.errors import ConfigError
from services.cli import main
from services.stack_layout import Layout
from services.stack_play import START_NS
from services.stack_programs import servers, services
from services.stack_settings import StackSection, StackSettings
from streams.topics import PARTITIONS
from tests.support.commands import unknown_words


def layout(**settings: object) -> Layout:
    return Layout(StackSection.model_validate({"directory": "/stack", **settings}))


def test_the_usual_ports_are_the_defaults() -> None:
    ports = {port.owner: port.number for port in layout().ports()}

    assert ports == {
        "kafka-1": 9092,
        "kafka-1's controller": 9095,
        "redis": 6379,
        "prometheus": 9090,
        "alertmanager": 9093,
        "worker-1": 9464,
        "worker-2": 9465,
        "gateway": 9474,
        "alerter-1": 9475,
        "alerter-2": 9476,
    }


def test_the_page_on_the_stack_has_every_setting_with_its_default() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "stack.md").read_text()
    rows = {
        row.split("|")[1].strip(): row.split("|")[2].strip()
        for row in page.splitlines()
        if row.startswith("| `")
    }
    listed = {
        name.strip(" `"): default.strip("`")
        for names, default in rows.items()
        for name in names.split(",")
    }

    for name, field in StackSection.model_fields.items():
        assert listed[name] == str(field.default or "the bundled market"), name


def test_three_nodes_are_told_of_all() -> None:
    three = layout(nodes=3)

    assert three.bootstrap == "127.0.0.1:9092,127.0.0.1:9192,127.0.0.1:9292"
    assert [node.controller_port for node in three.nodes] == [9095, 9195, 9295]
    three.ports()


def test_two_processes_on_one_port_are_refused_with_their_settings() -> None:
    with pytest.raises(ConfigError) as refused:
        layout(workers=11).ports()

    own = "expected a port of its own for"
    assert str(refused.value).splitlines() == [
        f"setting stack.worker_port: {own} worker-11, up to 65535, it was 9474",
        f"setting stack.gateway_port: {own} gateway, up to 65535, it was 9474",
    ]
    with pytest.raises(ConfigError, match="kafka-2, up to 65535, it was 65600"):
        layout(nodes=3, kafka_port=65_500).ports()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"nodes": 2}, "setting stack.nodes: expected 1 or 3, it was 2"),
        ({"workers": PARTITIONS + 1}, "setting stack.workers: .* it was 13"),
        ({"feed": "--listen h:1"}, "setting stack: expected feed, universe and rules together"),
        ({"redis_port": 0}, "setting stack.redis_port: .* it was 0"),
    ],
)
def test_settings_that_make_no_stack_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        StackSettings.load({f"stack.{name}": value for name, value in settings.items()})


def test_a_feed_of_the_operators_is_the_gateways(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    feed = "--listen 127.0.0.1:9000 --source 'my feed'"
    own = layout(feed=feed, universe=tmp_path, rules=rules)

    gateway = next(program for program in services(own) if program.name == "gateway")

    assert gateway.command[-4:] == ("--listen", "127.0.0.1:9000", "--source", "my feed")
    assert all(str(rules) in each.command for each in services(own) if each.group == "alerter")


def test_our_processes_are_started_with_words_they_know() -> None:
    for program in services(layout()):
        position = program.command.index("services") + 1

        assert unknown_words(main, program.command[position:]) == []


def test_servers_come_first_and_are_always_started_again() -> None:
    first = servers(layout(nodes=3), ["java"])

    assert [program.name for program in first][:4] == ["kafka-1", "kafka-2", "kafka-3", "redis"]
    assert all(program.is_first and not program.ends_with for program in first)
    assert not any(program.is_first for program in services(layout()))


def test_the_play_begins_at_two_in_new_york() -> None:
    assert START_NS == 1_782_237_600 * 10**9


def test_a_folder_that_cannot_be_made_is_named_with_its_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setenv("FORCEDFLOW_STACK__DIRECTORY", str(file / "stack"))
    result = CliRunner().invoke(main, ["stack", "up"])
    assert result.exit_code == 2
    assert result.stderr == (
        f"setting stack.directory: expected a folder to write to, it was {file}/stack: "
        "Not a directory\n"
    )
