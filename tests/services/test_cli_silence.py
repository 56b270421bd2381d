"""The commands on silences, on real Alertmanagers: one alone, and two that gossip."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from services.cli import main
from services.silences import Silence
from tests.support.alertmanager_server import AlertmanagerServer
from tests.support.alertmanager_twins import Twins, gossiping_twins
from tests.support.posted_alerts import at, firing
from tests.support.waiting import eventually

pytestmark = pytest.mark.debian("prometheus-alertmanager")

NOBODYS_URL = "http://127.0.0.1:9/"
WHO = ("--author", "ana")


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AlertmanagerServer]:
    with AlertmanagerServer(tmp_path_factory.mktemp("alone"), NOBODYS_URL) as server:
        yield server


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twins]:
    with gossiping_twins(tmp_path_factory.mktemp("twins"), NOBODYS_URL) as servers:
        yield servers


def run(name: str, *words: str, at: tuple[AlertmanagerServer, ...] = ()) -> Result:
    where = [word for server in at for word in ("--alertmanager", server.url)]
    return CliRunner().invoke(main, ["silence", name, *where, *words], catch_exceptions=False)


def fire(server: AlertmanagerServer, symbol: str, *, name: str = "ForcedFlowCritical") -> None:
    alert = firing(
        name, severity="critical", family="forced-flow", side="sell", scope="symbol", symbol=symbol
    )
    assert server.post("alerts", [alert]).status == 200


def listed(*servers: AlertmanagerServer) -> list[dict[str, Any]]:
    result = run("list", "--json", at=servers)
    assert result.exit_code == 0
    return [json.loads(line) for line in result.stdout.splitlines()]


def about(symbol: str, *servers: AlertmanagerServer) -> list[dict[str, Any]]:
    """Return the silences, pending or active, that have a condition with this value."""
    return [
        one for one in listed(*servers) if symbol in {each["value"] for each in one["matchers"]}
    ]


def is_silenced(server: AlertmanagerServer, symbol: str) -> bool:
    [alert] = [each for each in server.alerts() if each["labels"].get("symbol") == symbol]
    return bool(alert["status"]["state"] == "suppressed")


def test_an_acknowledgement_names_one_alert_for_a_quarter_of_an_hour(
    alone: AlertmanagerServer,
) -> None:
    fire(alone, "ACKED")
    fire(alone, "OTHER")
    result = run("ack", "ACKED", *WHO, "--comment", "calling the desk", at=(alone,))

    [found] = about("ACKED", alone)
    [alert] = [each for each in alone.alerts() if each["labels"].get("symbol") == "ACKED"]
    lasts = datetime.fromisoformat(found["endsAt"])
    assert result.exit_code == 0, result.stderr
    assert "ACK: calling the desk" in result.stdout
    assert "silences ForcedFlowCritical" in result.stdout
    assert found["comment"] == "ACK: calling the desk"
    assert found["createdBy"] == "ana"
    assert {each["name"]: each["value"] for each in found["matchers"]} == alert["labels"]
    assert abs(lasts - datetime.fromisoformat(at(900.0))) < timedelta(seconds=10)
    assert is_silenced(alone, "ACKED")
    assert not is_silenced(alone, "OTHER")


def test_the_alerter_takes_it_for_an_acknowledgement(alone: AlertmanagerServer) -> None:
    fire(alone, "EXACT")
    run("ack", "symbol=EXACT", *WHO, at=(alone,))

    [found] = about("EXACT", alone)
    [alert] = [each for each in alone.alerts() if each["labels"].get("symbol") == "EXACT"]
    assert msgspec.convert(found, type=Silence).names_exactly(alert["labels"])


def test_words_that_mean_several_alerts_acknowledge_none_or_each(
    alone: AlertmanagerServer,
) -> None:
    fire(alone, "TWICE")
    fire(alone, "TWICE", name="ForcedFlowWarning")
    refused = run("ack", "TWICE", *WHO, at=(alone,))
    before = about("TWICE", alone)
    done = run("ack", "TWICE", *WHO, "--each", at=(alone,))

    assert refused.exit_code == 1
    assert "2 alerts; say which one" in refused.stderr
    assert "ForcedFlowWarning" in refused.stderr
    assert before == []
    assert done.exit_code == 0
    assert len(about("TWICE", alone)) == 2


def test_words_that_mean_nothing_say_what_there_is(alone: AlertmanagerServer) -> None:
    fire(alone, "PRESENT")
    result = run("ack", "ABSENT", *WHO, at=(alone,))

    assert result.exit_code == 1
    assert "ABSENT: no such alert fires" in result.stderr
    assert "symbol=PRESENT" in result.stderr


def test_a_window_is_added_listed_and_expired(alone: AlertmanagerServer) -> None:
    fire(alone, "WINDOW")
    begins, until = at(3600.0), at(7200.0)
    words = ["symbol=WINDOW", "alertname=~Forced.*", *WHO, "--comment", "split"]
    added = run("add", *words, "--from", begins, "--until", until, at=(alone,))
    [found] = about("WINDOW", alone)
    lines = run("list", at=(alone,)).stdout.splitlines()
    expired = run("expire", found["id"], at=(alone,))
    again = run("expire", found["id"], at=(alone,))

    assert added.exit_code == 0, added.stderr
    assert f"forcedflow silence expire {found['id']}" in added.stdout
    assert "silences ForcedFlowCritical" in added.stdout
    assert datetime.fromisoformat(found["startsAt"]) == datetime.fromisoformat(begins)
    assert datetime.fromisoformat(found["endsAt"]) == datetime.fromisoformat(until)
    assert found["comment"] == "split"
    [line] = [line.split("\t") for line in lines if found["id"] in line]
    assert line[0] == "pending"
    assert line[6:] == ["symbol=WINDOW 'alertname=~Forced.*'", alone.url]
    assert expired.exit_code == 0
    assert about("WINDOW", alone) == []
    assert again.exit_code == 1
    assert "that has not ended" in again.stderr
    assert found["id"] in run("list", "--all", at=(alone,)).stdout


def test_what_a_window_brings_with_it_is_said(alone: AlertmanagerServer) -> None:
    names = ("Watchdog", "ForcedFlowDisk")
    alone.post("alerts", [firing(name, family="said", severity="none") for name in names])
    result = run("add", "family=said", *WHO, "--comment", "all", "--for", "5m", at=(alone,))

    assert "silences 2 alerts that fire now" in result.stdout
    assert "Watchdog must be heard" in result.stdout
    assert "of ForcedFlowDisk nobody tells the end" in result.stdout


def test_those_that_gossip_get_one_silence_and_another_one_its_own(
    alone: AlertmanagerServer, twins: Twins
) -> None:
    everybody = (*twins, alone)
    for server in everybody:
        fire(server, "EVERY")
    result = run("ack", "EVERY", *WHO, at=everybody)
    assert result.exit_code == 0, result.stderr
    eventually(lambda: all(is_silenced(server, "EVERY") for server in everybody))
    found = about("EVERY", *everybody)
    expired = run("expire", *(one["id"] for one in found), at=everybody)

    assert len(found) == 2
    assert expired.exit_code == 0, expired.stderr
    eventually(lambda: not any(is_silenced(server, "EVERY") for server in everybody))


def test_one_that_does_not_answer_is_named_and_the_others_are_told(
    alone: AlertmanagerServer,
) -> None:
    fire(alone, "PARTLY")
    dead = ("--alertmanager", "http://127.0.0.1:9")
    result = run("ack", "PARTLY", *WHO, *dead, at=(alone,))

    assert result.exit_code == 1
    assert "http://127.0.0.1:9: expected its" in result.stderr
    assert is_silenced(alone, "PARTLY")
    assert run("list", *dead).exit_code == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("ack", "X"), "expected who you are: --author NAME"),
        (("ack", "X", *WHO, "--for", "13h"), "at most 12h"),
        (("ack", "=X", *WHO), "expected a condition on a label"),
        (("add", "a=b", "--for", "1h", *WHO, "--comment", " "), "--comment: expected why"),
        (("add", "a=b", "--for", "8d", *WHO, "--comment", "x"), "at most 7d"),
        (("add", "a=b", *WHO, "--comment", "x"), "either --until T or --for DURATION"),
        (("add", "a!=b", "--for", "1h", *WHO, "--comment", "x"), "not every alert meets"),
    ],
)
def test_what_cannot_be_meant_ends_with_status_2(words: tuple[str, ...], told: str) -> None:
    # Before anybody is asked: nobody listens there.
    name, *rest = words
    result = run(name, "--alertmanager", "http://127.0.0.1:9", *rest)

    assert result.exit_code == 2
    assert told in result.stderr


def test_the_settings_say_where_and_who(
    alone: AlertmanagerServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    fire(alone, "SET")
    monkeypatch.setenv("FORCEDFLOW_ALERTER__ALERTMANAGERS", json.dumps([alone.url]))
    monkeypatch.setenv("FORCEDFLOW_SILENCE__AUTHOR", "ben")
    result = run("ack", "SET")

    assert result.exit_code == 0, result.stderr
    assert [one["createdBy"] for one in about("SET", alone)] == ["ben"]


def test_where_none_is_named_it_is_the_local_stacks(
    alone: AlertmanagerServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    fire(alone, "HERE")
    monkeypatch.setenv("FORCEDFLOW_STACK__ALERTMANAGER_PORT", alone.url.rpartition(":")[2])
    result = run("ack", "HERE", *WHO)
    monkeypatch.setenv("FORCEDFLOW_STACK__ALERTMANAGER_PORT", "1")
    elsewhere = run("list")

    assert result.exit_code == 0, result.stderr
    assert len(about("HERE", alone)) == 1
    assert elsewhere.exit_code == 1
    assert "http://127.0.0.1:1: expected its status" in elsewhere.stderr
