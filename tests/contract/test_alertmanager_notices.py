"""Whom a real Alertmanager tells what, and when: why routes, groups and leases are as they are."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.support.alertmanager_server import AlertmanagerServer
from tests.support.posted_alerts import at, firing, resolved
from tests.support.waiting import eventually
from tests.support.webhook_recorder import WebhookRecorder

pytestmark = pytest.mark.debian("prometheus-alertmanager")

# One route for each wait that something depends on; the intervals are the deployed ones, shortened.
CONFIG = """\
route:
  receiver: pager
  group_by: [family]
  group_wait: 0s
  group_interval: 300ms
  repeat_interval: 4h
  routes:
    - matchers: ['family="waits"']
      group_wait: 1s
    - matchers: ['family="patient"']
      group_wait: 1h
    - matchers: ['family="beats"']
      group_interval: 250ms
      repeat_interval: 1s
inhibit_rules:
  - source_matchers: ['alertname="Cause"']
    target_matchers: ['alertname="Effect"']
receivers:
  - name: pager
    webhook_configs:
      - url: {url}
"""


@pytest.fixture(scope="module")
def pager() -> Iterator[WebhookRecorder]:
    with WebhookRecorder() as recorder:
        yield recorder


@pytest.fixture(scope="module")
def server(
    pager: WebhookRecorder, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AlertmanagerServer]:
    directory = tmp_path_factory.mktemp("alertmanager")
    with AlertmanagerServer(directory, pager.url, config=CONFIG) as running:
        yield running


def fire(
    server: AlertmanagerServer, name: str, *, began: float = 0.0, text: str = "", family: str
) -> None:
    server.post("alerts", [firing(name, began=began, text=text, family=family)])


def end(server: AlertmanagerServer, name: str, *, began: float = -1.0, family: str) -> None:
    server.post("alerts", [resolved(name, began=began, family=family)])


def silence(server: AlertmanagerServer, **labels: str) -> str:
    matchers = [
        {"name": name, "value": value, "isRegex": False, "isEqual": True}
        for name, value in labels.items()
    ]
    body = {"matchers": matchers, "startsAt": at(0.0), "endsAt": at(60.0)}
    reply = server.post("silences", body | {"createdBy": "tests", "comment": "contract"})
    return str(reply.body).split('"')[3]


def wait_for_looks(server: AlertmanagerServer, family: str, *, looks: int = 2) -> None:
    """Wait until it has looked at a group again so often that it would have told what it had."""
    before = server.flushes({"family": family})
    eventually(lambda: server.flushes({"family": family}) >= before + looks)


def is_muted(server: AlertmanagerServer, name: str) -> bool:
    [alert] = [each for each in server.alerts() if each["labels"]["alertname"] == name]
    return bool(alert["status"]["state"] == "suppressed")


def wait_until_dropped(server: AlertmanagerServer, family: str) -> None:
    """Wait until a group has been looked at after something in it resolved."""
    eventually(lambda: server.flushes({"family": family}, resolved=True) > 0)


def told(pager: WebhookRecorder, family: str) -> list[tuple[str, str]]:
    return [(notice.labels["alertname"], notice.status) for notice in pager.pages(family=family)]


def test_a_changed_text_tells_nobody_again(
    server: AlertmanagerServer, pager: WebhookRecorder
) -> None:
    fire(server, "Texts", family="texts", text="+$1m")
    eventually(lambda: pager.statuses(family="texts") == ["firing"])
    fire(server, "Texts", family="texts", text="+$9m")
    wait_for_looks(server, "texts")

    assert pager.statuses(family="texts") == ["firing"]


def test_another_alert_of_the_group_is_told_at_the_next_interval_with_the_newest_texts(
    server: AlertmanagerServer, pager: WebhookRecorder
) -> None:
    # So escalation is an alert of its own.
    fire(server, "Lower", family="grows", text="+$1m")
    eventually(lambda: pager.statuses(family="grows") == ["firing"])
    fire(server, "Lower", family="grows", text="+$9m")
    fire(server, "Higher", family="grows", text="+$9m")
    eventually(lambda: len(pager.pages(family="grows")) == 3)

    again = pager.pages(family="grows")[1:]
    assert {notice.labels["alertname"] for notice in again} == {"Lower", "Higher"}
    assert {notice.annotations["summary"] for notice in again} == {"+$9m"}


def test_what_flips_within_the_interval_is_told_once_and_ends_once(
    server: AlertmanagerServer, pager: WebhookRecorder
) -> None:
    fire(server, "Flips", family="flips")
    eventually(lambda: pager.statuses(family="flips") == ["firing"])
    # In one batch, and just after a look: no other comes between.
    wait_for_looks(server, "flips", looks=1)
    server.post("alerts", [resolved("Flips", family="flips"), firing("Flips", family="flips")])
    wait_for_looks(server, "flips")
    end(server, "Flips", family="flips")
    eventually(lambda: len(pager.pages(family="flips")) > 1)

    assert pager.statuses(family="flips") == ["firing", "resolved"]


def test_what_ends_before_its_group_is_first_looked_at_is_never_told(
    server: AlertmanagerServer, pager: WebhookRecorder
) -> None:
    ended = resolved("Short", family="waits", began=-0.01)
    server.post("alerts", [firing("Short", family="waits"), ended])
    wait_until_dropped(server, "waits")
    fire(server, "Stays", family="waits")
    eventually(lambda: pager.pages(family="waits") != [])

    assert told(pager, "waits") == [("Stays", "firing")]


def test_what_began_longer_ago_than_the_group_wait_is_told_at_once(
    server: AlertmanagerServer, pager: WebhookRecorder
) -> None:
    # After a takeover or a restart what fires does not wait once more.
    fire(server, "Old", family="patient", began=-7200.0)

    eventually(lambda: told(pager, "patient") == [("Old", "firing")])


def test_what_resolves_while_inhibited_is_never_told(
    server: AlertmanagerServer, pager: WebhookRecorder
) -> None:
    # Hence no inhibition on any route that pages.
    fire(server, "Effect", family="inhibited")
    eventually(lambda: pager.statuses(family="inhibited") == ["firing"])
    fire(server, "Cause", family="cause")
    eventually(lambda: pager.statuses(family="cause") == ["firing"])
    # Its inhibitor hears of the cause by another way than its pager.
    eventually(lambda: is_muted(server, "Effect"))
    end(server, "Effect", family="inhibited")
    wait_until_dropped(server, "inhibited")
    end(server, "Cause", family="cause")
    eventually(lambda: pager.statuses(family="cause") == ["firing", "resolved"])
    fire(server, "Marker", family="inhibited")
    eventually(lambda: ("Marker", "firing") in told(pager, "inhibited"))

    assert told(pager, "inhibited") == [("Effect", "firing"), ("Marker", "firing")]


def test_what_resolves_under_a_silence_is_never_told(
    server: AlertmanagerServer, pager: WebhookRecorder
) -> None:
    # Hence the alerter keeps it extended until the silence has ended.
    fire(server, "Silenced", family="silenced")
    eventually(lambda: pager.statuses(family="silenced") == ["firing"])
    silence(server, alertname="Silenced")
    end(server, "Silenced", family="silenced")
    wait_until_dropped(server, "silenced")
    fire(server, "Marker", family="silenced")
    eventually(lambda: ("Marker", "firing") in told(pager, "silenced"))

    assert told(pager, "silenced") == [("Silenced", "firing"), ("Marker", "firing")]


def test_what_resolves_when_its_silence_was_just_expired_is_told(
    server: AlertmanagerServer, pager: WebhookRecorder
) -> None:
    # Hence an acknowledgement is expired before the resolve is sent.
    fire(server, "Acknowledged", family="acknowledged")
    eventually(lambda: pager.statuses(family="acknowledged") == ["firing"])
    name = silence(server, alertname="Acknowledged")
    wait_for_looks(server, "acknowledged")
    server.delete(f"silence/{name}")
    end(server, "Acknowledged", family="acknowledged")
    eventually(lambda: len(pager.pages(family="acknowledged")) > 1)

    assert pager.statuses(family="acknowledged") == ["firing", "resolved"]


def test_what_began_under_a_silence_is_told_when_it_ends(
    server: AlertmanagerServer, pager: WebhookRecorder
) -> None:
    # A maintenance window delays a page that is still firing; it does not lose it.
    name = silence(server, alertname="Window")
    fire(server, "Window", family="window")
    wait_for_looks(server, "window")
    before = pager.statuses(family="window")
    server.delete(f"silence/{name}")
    eventually(lambda: pager.statuses(family="window") == ["firing"])

    assert before == []


def test_what_was_told_before_its_silence_and_fires_on_is_not_told_anew(
    server: AlertmanagerServer, pager: WebhookRecorder
) -> None:
    # An acknowledgement that runs out pages nobody before repeat_interval has passed.
    fire(server, "Lasts", family="lasts")
    eventually(lambda: pager.statuses(family="lasts") == ["firing"])
    name = silence(server, alertname="Lasts")
    wait_for_looks(server, "lasts")
    server.delete(f"silence/{name}")
    wait_for_looks(server, "lasts", looks=3)

    assert pager.statuses(family="lasts") == ["firing"]


def test_what_was_silenced_while_its_group_was_told_is_told_anew(
    server: AlertmanagerServer, pager: WebhookRecorder
) -> None:
    fire(server, "Lasts", family="anew")
    eventually(lambda: pager.statuses(family="anew") == ["firing"])
    name = silence(server, alertname="Lasts", family="anew")
    fire(server, "Other", family="anew")
    eventually(lambda: told(pager, "anew")[1:] == [("Other", "firing")])
    server.delete(f"silence/{name}")
    eventually(lambda: len(told(pager, "anew")) == 4)

    assert set(told(pager, "anew")[2:]) == {("Lasts", "firing"), ("Other", "firing")}


def test_a_repeat_comes_at_the_first_look_after_its_interval(
    server: AlertmanagerServer, pager: WebhookRecorder
) -> None:
    # So a dead-man's switch has to allow for one group_interval beyond repeat_interval.
    fire(server, "Beats", family="beats")
    eventually(lambda: len(pager.pages(family="beats")) >= 3)

    assert set(pager.statuses(family="beats")) == {"firing"}
    assert server.flushes({"family": "beats"}) > len(pager.pages(family="beats"))


def test_times_are_told_in_utc(server: AlertmanagerServer, pager: WebhookRecorder) -> None:
    fire(server, "Times", family="times", began=-5.0)
    eventually(lambda: pager.statuses(family="times") == ["firing"])

    [notice] = pager.pages(family="times")
    assert datetime.fromisoformat(notice.starts_at).utcoffset() == UTC.utcoffset(None)
    assert notice.ends_at.startswith("0001-01-01")
