"""What people are really sent by the shipped pagers, through Debian's Alertmanager."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.alertmanager_server import AlertmanagerServer
from tests.support.deployed_receivers import config_for
from tests.support.outside_world import Mail, OutsideWorld
from tests.support.posted_alerts import at
from tests.support.waiting import eventually

pytestmark = pytest.mark.debian("prometheus-alertmanager")

NOBODYS_URL = "http://127.0.0.1:9/"


@pytest.fixture(scope="module")
def world() -> Iterator[OutsideWorld]:
    with OutsideWorld() as outside:
        yield outside


@pytest.fixture(scope="module")
def server(
    world: OutsideWorld, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AlertmanagerServer]:
    directory = tmp_path_factory.mktemp("alertmanager")
    config = config_for(world, directory)
    with AlertmanagerServer(directory, NOBODYS_URL, config=config) as running:
        yield running


def market(
    severity: str, *, family: str, symbol: str = "NVDA", side: str = "sell"
) -> dict[str, str]:
    return {
        "alertname": f"ForcedFlow{severity.title()}",
        "severity": severity,
        "family": family,
        "side": side,
        "scope": "symbol",
        "symbol": symbol,
    }


def fire(
    server: AlertmanagerServer, *alerts: dict[str, str], begin: float = 0.0, **texts: str
) -> None:
    server.post("alerts", [told(labels, texts, begin=begin, ends=300.0) for labels in alerts])


def end(server: AlertmanagerServer, *alerts: dict[str, str], **texts: str) -> None:
    server.post("alerts", [told(labels, texts, ends=-0.001) for labels in alerts])


def told(
    labels: dict[str, str], texts: dict[str, str], *, begin: float = 0.0, ends: float
) -> dict[str, object]:
    return {
        "labels": labels,
        "annotations": {"summary": f"SELL {labels.get('symbol', 'x')}"} | texts,
        "startsAt": at(min(ends, begin)),
        "endsAt": at(ends),
    }


def paged(world: OutsideWorld, family: str) -> list[dict[str, Any]]:
    """Return PagerDuty's events of a family, the oldest first."""
    bodies = [request.body for request in world.sent_to("/pagerduty")]
    return [body for body in bodies if body["payload"].get("component") == family]


def actions(world: OutsideWorld, family: str) -> list[str]:
    return [event["event_action"] for event in paged(world, family)]


def texts(world: OutsideWorld, path: str, word: str) -> list[str]:
    """Return the texts with this word that Slack or Telegram were sent."""
    bodies = [request.body for request in world.sent_to(path)]
    found = [body.get("text") or body["attachments"][0]["text"] for body in bodies]
    return [text for text in found if word in text]


def mails(world: OutsideWorld, word: str) -> list[Mail]:
    return [mail for mail in world.mails if word in mail.part("plain")]


def logged(world: OutsideWorld, family: str) -> list[str]:
    """Return the status of each notice of a family that the log was sent."""
    bodies = [request.body for request in world.sent_to("/alerts")]
    return [body["status"] for body in bodies if body["groupLabels"].get("family") == family]


def test_a_group_is_one_incident_from_the_first_page_to_the_last_resolve(
    server: AlertmanagerServer, world: OutsideWorld
) -> None:
    first, second = (market("critical", family="incident", symbol=name) for name in ("AMD", "NVDA"))
    fire(server, first)
    eventually(lambda: actions(world, "incident") == ["trigger"])
    fire(server, second)
    eventually(lambda: actions(world, "incident") == ["trigger"] * 2)
    end(server, second)
    eventually(lambda: actions(world, "incident") == ["trigger"] * 3)
    end(server, first)
    eventually(lambda: len(actions(world, "incident")) > 3)

    assert actions(world, "incident") == ["trigger"] * 3 + ["resolve"]
    assert len({event["dedup_key"] for event in paged(world, "incident")}) == 1


def test_another_side_and_another_rule_are_other_incidents(
    server: AlertmanagerServer, world: OutsideWorld
) -> None:
    fire(
        server,
        market("critical", family="sides", side="buy"),
        market("critical", family="sides", side="sell"),
        market("critical", family="sides-too", side="sell"),
    )
    eventually(lambda: len(paged(world, "sides") + paged(world, "sides-too")) == 3)

    keys = {event["dedup_key"] for event in paged(world, "sides") + paged(world, "sides-too")}
    assert len(keys) == 3


def test_what_is_graver_is_told_in_the_incident_there_is(
    server: AlertmanagerServer, world: OutsideWorld
) -> None:
    critical = market("critical", family="graver")
    fire(server, critical)
    eventually(lambda: actions(world, "graver") == ["trigger"])
    fire(server, market("escalated", family="graver"), summary="SELL NVDA doubled")
    eventually(lambda: len(paged(world, "graver")) == 2)

    before, after = paged(world, "graver")
    assert before["dedup_key"] == after["dedup_key"]
    assert after["payload"]["summary"] == "SELL NVDA doubled (and 1 more)"


def test_a_page_comes_to_everybody_with_its_summary_first(
    server: AlertmanagerServer, world: OutsideWorld
) -> None:
    summary = "SELL PAGED: forced flow -$1.2bn, 14 min to the cut-off"
    fire(
        server,
        market("critical", family="everybody", symbol="PAGED"),
        summary=summary,
        description="Seventy words.",
        runbook_url="https://runbooks.example/ForcedFlowCritical.md",
        dashboard_url="https://grafana.example/d/close?x=1&y=2",
    )
    eventually(lambda: mails(world, "PAGED") != [] and texts(world, "/slack", "PAGED") != [])
    eventually(lambda: texts(world, "/telegram", "PAGED") != [] and paged(world, "everybody") != [])

    [event], [mail] = paged(world, "everybody"), mails(world, "PAGED")
    [slack] = [one for one in world.sent_to("/slack") if "PAGED" in str(one.body)]
    attachment = slack.body["attachments"][0]
    assert event["payload"]["summary"] == mail.message["Subject"] == attachment["title"] == summary
    assert event["payload"]["severity"] == "critical"
    assert "Seventy words." in event["payload"]["custom_details"]["detail"]
    assert event["client_url"] == attachment["title_link"]
    assert texts(world, "/telegram", "PAGED")[0].startswith(f"<b>{summary}</b>")
    for text in (attachment["text"], texts(world, "/telegram", "PAGED")[0], mail.part("html")):
        assert "https://runbooks.example/ForcedFlowCritical.md" in text
    assert 'href="https://grafana.example/d/close?x=1&amp;y=2"' in mail.part("html")


def test_a_resolve_says_so_first(server: AlertmanagerServer, world: OutsideWorld) -> None:
    alert = market("warning", family="over", symbol="OVER")
    fire(server, alert)
    eventually(lambda: len(mails(world, "OVER")) == 1)
    end(server, alert)
    eventually(lambda: len(mails(world, "OVER")) == 2)

    assert [mail.message["Subject"] for mail in mails(world, "OVER")] == [
        "SELL OVER",
        "Resolved: SELL OVER",
    ]


def test_no_text_becomes_markup(server: AlertmanagerServer, world: OutsideWorld) -> None:
    hostile = "<!channel> <b>HOSTILE</b> & <a href='javascript:alert(1)'>here</a>"
    fire(
        server,
        market("critical", family="hostile"),
        summary=hostile,
        description=hostile,
        runbook_url="javascript:alert('HOSTILE')",
    )
    eventually(lambda: mails(world, "HOSTILE") != [] and texts(world, "/slack", "HOSTILE") != [])
    eventually(lambda: texts(world, "/telegram", "HOSTILE") != [])

    [slack], [telegram] = texts(world, "/slack", "HOSTILE"), texts(world, "/telegram", "HOSTILE")
    html = mails(world, "HOSTILE")[0].part("html")
    assert "&lt;!channel&gt; &lt;b&gt;HOSTILE&lt;/b&gt; &amp;" in slack
    for text in (telegram, html):
        assert "&lt;b&gt;HOSTILE&lt;/b&gt; &amp;" in text
        assert 'href="javascript' not in text
    for text in (slack, telegram, html):
        assert "<!channel>" not in text
        assert "<b>HOSTILE" not in text


def test_a_runbook_without_an_address_is_named_and_not_linked(
    server: AlertmanagerServer, world: OutsideWorld
) -> None:
    runbook = "docs/runbooks/NAMED.md"
    fire(server, market("critical", family="named"), runbook_url=runbook, dashboard_url="local")
    eventually(lambda: texts(world, "/telegram", "NAMED") != [] and paged(world, "named") != [])
    eventually(lambda: texts(world, "/slack", "NAMED") != [])

    for path in ("/telegram", "/slack"):
        [text] = texts(world, path, "NAMED")
        assert f"({runbook})" in text
        assert "href" not in text
    assert paged(world, "named")[0]["client_url"].startswith("http")


def test_a_storm_stays_within_telegrams_limit(
    server: AlertmanagerServer, world: OutsideWorld
) -> None:
    # Of a message that is cut off within a tag Telegram takes nothing.
    names = [f"STORM{number:02}" for number in range(80)]
    alerts = [market("critical", family="storm", symbol=name) for name in names]
    # Of a group whose wait is over when its first alert comes that one is told alone.
    summary, runbook = "STORM" + '"' * 300, f"https://x.example/{'y' * 60}"
    fire(server, *alerts, begin=30.0, summary=summary, runbook_url=runbook)
    eventually(lambda: texts(world, "/telegram", "STORM") != [] and paged(world, "storm") != [])

    [text] = texts(world, "/telegram", "STORM")
    assert "(and 79 more)" in text
    assert len(text) < 4096
    assert text.endswith("</a>")
    assert len(paged(world, "storm")[0]["payload"]["summary"]) <= 1024


def test_what_needs_nobody_is_logged_and_paged_to_nobody(
    server: AlertmanagerServer, world: OutsideWorld
) -> None:
    fire(server, market("watch", family="watched", symbol="WATCHED"))
    fire(server, market("warning", family="warned", symbol="WARNED"))
    eventually(lambda: logged(world, "watched") == logged(world, "warned") == ["firing"])
    eventually(lambda: mails(world, "WARNED") != [])

    assert paged(world, "watched") == paged(world, "warned") == []
    assert mails(world, "WATCHED") == []
    assert texts(world, "/telegram", "WARNED") == []


def test_the_services_own_alerts_page_or_make_a_ticket(
    server: AlertmanagerServer, world: OutsideWorld
) -> None:
    labels = {"family": "service-health", "severity": "page"}
    fire(server, labels | {"alertname": "ForcedFlowSilent", "symbol": "PAGEABLE"})
    ticket = {"alertname": "ForcedFlowDisk", "severity": "ticket", "symbol": "TICKET"}
    fire(server, labels | ticket)
    eventually(lambda: mails(world, "TICKET") != [] and paged(world, "service-health") != [])

    assert all("TICKET" not in str(event) for event in paged(world, "service-health"))
    assert texts(world, "/telegram", "TICKET") == []


def test_the_drill_goes_the_way_of_a_page_as_an_incident_of_its_own(
    server: AlertmanagerServer, world: OutsideWorld
) -> None:
    drill = market("critical", family="drill", symbol="DRILL") | {"alertname": "ForcedFlowDrill"}
    fire(server, drill)
    eventually(lambda: mails(world, "DRILL") != [] and texts(world, "/telegram", "DRILL") != [])
    drills = [one.body for one in world.sent_to("/pagerduty") if "DRILL" in str(one.body)]

    assert [event["payload"]["severity"] for event in drills] == ["info"]
    assert len(mails(world, "DRILL")) == 1


def test_each_beat_comes_to_its_own_switch_and_its_end_is_no_beat(
    server: AlertmanagerServer, world: OutsideWorld
) -> None:
    pushed = {"alertname": "ForcedFlowHeartbeat", "severity": "none", "family": "service-health"}
    ruled = pushed | {"alertname": "Watchdog"}
    fire(server, pushed, ruled)
    eventually(lambda: len(world.sent_to("/REPLACE-pushes")) >= 2)
    end(server, pushed)
    # Then the beat before it has been taken, and the end has been looked at.
    eventually(lambda: server.flushes({"alertname": "ForcedFlowHeartbeat"}, resolved=True) > 0)
    beats = len(world.sent_to("/REPLACE-pushes"))
    more = len(world.sent_to("/REPLACE-rules")) + 2
    eventually(lambda: len(world.sent_to("/REPLACE-rules")) >= more)

    pushes = world.sent_to("/REPLACE-pushes")
    assert len(pushes) == beats
    assert {one.body["status"] for one in pushes} == {"firing"}
    assert {one.body["commonLabels"]["alertname"] for one in pushes} == {"ForcedFlowHeartbeat"}


def test_secrets_come_from_their_files(server: AlertmanagerServer, world: OutsideWorld) -> None:
    fire(server, market("critical", family="secrets", symbol="SECRETS"))
    eventually(lambda: paged(world, "secrets") != [] and mails(world, "SECRETS") != [])
    eventually(lambda: logged(world, "secrets") != [] and texts(world, "/slack", "SECRETS") != [])

    assert {event["routing_key"] for event in paged(world, "secrets")} == {"pagerduty's secret"}
    assert mails(world, "SECRETS")[0].login == ("forcedflow", "mail's secret")
    archived = {one.authorization for one in world.sent_to("/alerts")}
    assert archived == {"Bearer archive's secret"}
