"""What a POST to /api/v2/alerts means to a real Alertmanager: why ours is the way it is."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from tests.support.alertmanager_server import AlertmanagerServer
from tests.support.posted_alerts import at, firing, resolved, without

pytestmark = pytest.mark.debian("prometheus-alertmanager")

NOBODY = """\
route:
  receiver: nobody
receivers:
  - name: nobody
"""
NOBODYS_URL = "http://127.0.0.1:9/"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AlertmanagerServer]:
    directory = tmp_path_factory.mktemp("alertmanager")
    with AlertmanagerServer(directory, NOBODYS_URL, config=NOBODY) as running:
        yield running


def held(server: AlertmanagerServer, name: str) -> list[dict[str, Any]]:
    return [found for found in server.alerts() if found["labels"]["alertname"] == name]


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_the_latest_end_counts_until_one_lies_in_the_past(server: AlertmanagerServer) -> None:
    # A lease can be extended and not be shortened: hence five minutes, and resolves that are sent.
    far = firing("Lease", ends=600.0)
    server.post("alerts", [firing("Lease", ends=60.0)])
    server.post("alerts", [far])
    server.post("alerts", [firing("Lease", ends=60.0)])
    [leased] = held(server, "Lease")

    server.post("alerts", [resolved("Lease")])

    assert leased["endsAt"] == far["endsAt"]
    assert held(server, "Lease") == []


def test_an_end_with_an_earlier_start_ends_what_was_to_start_later(
    server: AlertmanagerServer,
) -> None:
    # The clock of whoever pushes may have been set back: its end at that start comes too late.
    server.post("alerts", [firing("Ahead", began=3600.0, ends=3900.0)])
    server.post("alerts", [firing("Ahead", began=3600.0, ends=3600.0)])
    [waits] = held(server, "Ahead")
    server.post("alerts", [firing("Ahead", began=-0.001, ends=-0.001)])

    assert waits["status"]["state"] == "active"
    assert held(server, "Ahead") == []


def test_the_earliest_start_and_the_last_texts_count(server: AlertmanagerServer) -> None:
    # A new holder of the lease that knew a later start would not begin the episode anew.
    early = firing("Merged", began=-30.0, text="before")
    server.post("alerts", [early])
    server.post("alerts", [firing("Merged", began=-5.0, text="after")])

    [found] = held(server, "Merged")
    assert found["startsAt"] == early["startsAt"]
    assert found["annotations"] == {"summary": "after"}


def test_what_fires_after_it_resolved_begins_anew(server: AlertmanagerServer) -> None:
    server.post("alerts", [firing("Again", began=-30.0)])
    server.post("alerts", [resolved("Again", began=-30.0)])
    second = firing("Again")
    server.post("alerts", [second])

    [found] = held(server, "Again")
    assert found["startsAt"] == second["startsAt"]


def test_without_an_end_it_would_be_alertmanager_that_ends_it(server: AlertmanagerServer) -> None:
    server.post("alerts", [without(firing("Endless"), "startsAt", "endsAt")])

    [found] = held(server, "Endless")
    lasts = moment(found["endsAt"]) - moment(found["startsAt"])
    assert lasts.total_seconds() == pytest.approx(300.0)


def test_an_end_that_was_stated_outlives_a_push_without_one(server: AlertmanagerServer) -> None:
    far = firing("Stated", ends=900.0)
    server.post("alerts", [far])
    server.post("alerts", [without(firing("Stated"), "endsAt")])

    [found] = held(server, "Stated")
    assert found["endsAt"] == far["endsAt"]


def test_without_a_start_it_would_start_at_its_end(server: AlertmanagerServer) -> None:
    server.post("alerts", [without(firing("Startless"), "startsAt")])

    [found] = held(server, "Startless")
    assert found["startsAt"] == found["endsAt"]


def test_a_time_without_offset_is_taken_for_utc(server: AlertmanagerServer) -> None:
    naive = at(-60.0).removesuffix("Z")
    reply = server.post("alerts", [firing("Naive") | {"startsAt": naive}])

    [found] = held(server, "Naive")
    assert reply.status == 200
    assert found["startsAt"] == f"{naive}Z"


def test_one_label_more_is_another_alert(server: AlertmanagerServer) -> None:
    # A price or a tier in a label would leave the old alert firing until its lease ends.
    server.post("alerts", [firing("Twins")])
    server.post("alerts", [firing("Twins", price="42")])
    server.post("alerts", [resolved("Twins")])

    assert [found["labels"].get("price") for found in held(server, "Twins")] == ["42"]


def test_an_empty_label_is_no_label(server: AlertmanagerServer) -> None:
    server.post("alerts", [firing("Empty", side="")])
    server.post("alerts", [firing("Empty")])

    [found] = held(server, "Empty")
    assert found["labels"] == {"alertname": "Empty"}


@pytest.mark.parametrize(
    ("spoilt", "status"),
    [
        pytest.param({"labels": {"alertname": "Bad", "not-a-name": "x"}}, 400, id="label name"),
        pytest.param({"labels": {}}, 400, id="no labels"),
        pytest.param({"startsAt": at(10.0), "endsAt": at(5.0)}, 400, id="ends before it starts"),
    ],
)
def test_an_alert_that_means_nothing_is_refused_by_itself(
    server: AlertmanagerServer, spoilt: dict[str, object], status: int
) -> None:
    server.post("alerts", [resolved("Beside")])
    reply = server.post("alerts", [firing("Bad") | spoilt, firing("Beside")])

    assert reply.status == status
    assert len(held(server, "Beside")) == 1
    assert held(server, "Bad") == []


@pytest.mark.parametrize(
    ("spoilt", "status"),
    [
        pytest.param({"annotations": {"summary": 7}}, 400, id="a number for a text"),
        pytest.param({"startsAt": "yesterday"}, 400, id="no time"),
        pytest.param({"generatorURL": "not a uri"}, 422, id="no address"),
    ],
)
def test_an_alert_of_the_wrong_form_costs_the_whole_batch(
    server: AlertmanagerServer, spoilt: dict[str, object], status: int
) -> None:
    reply = server.post("alerts", [firing("Lost"), firing("Malformed") | spoilt])

    assert reply.status == status
    assert held(server, "Lost") == []


def test_only_json_is_taken(server: AlertmanagerServer) -> None:
    reply = server.post("alerts", [firing("Text")], content_type="text/plain")

    assert reply.status == 415
    assert held(server, "Text") == []


def test_a_whole_market_fits_into_one_batch(server: AlertmanagerServer) -> None:
    # The alerter sends all it has at once, whatever the number and the length of its texts.
    many = [firing("Market", symbol=f"S{number}", text="x" * 400) for number in range(5000)]
    long = firing("Long", text="x" * 3_000_000)

    assert server.post("alerts", many).status == 200
    assert server.post("alerts", [long]).status == 200
    assert len(held(server, "Market")) == 5000
