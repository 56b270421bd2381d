"""What an Alertmanager still knows of whom it told, after it ended or while it has a twin."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.alertmanager_server import AlertmanagerServer
from tests.support.alertmanager_twins import Twins, gossiping_twins
from tests.support.posted_alerts import firing
from tests.support.waiting import eventually
from tests.support.webhook_recorder import WebhookRecorder

pytestmark = pytest.mark.debian("prometheus-alertmanager")

CONFIG = """\
route:
  receiver: pager
  group_by: [family]
  group_wait: 0s
  group_interval: 300ms
  repeat_interval: 4h
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
def twins(pager: WebhookRecorder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twins]:
    directory = tmp_path_factory.mktemp("twins")
    with gossiping_twins(directory, pager.url, config=CONFIG) as servers:
        yield servers


def looks(server: AlertmanagerServer, family: str) -> int:
    return server.flushes({"family": family})


@pytest.mark.parametrize("ends", ["in order", "as a crash does"])
def test_one_that_restarts_tells_nobody_again(
    ends: str, pager: WebhookRecorder, tmp_path: Path
) -> None:
    # After a crash that holds because what was told is written down every few seconds.
    family = f"restarts {ends}"
    alert = firing("Restarts", family=family)
    server = AlertmanagerServer(tmp_path, pager.url, config=CONFIG)
    with server:
        server.post("alerts", [alert])
        eventually(lambda: pager.statuses(family=family) == ["firing"])
        # A second look begins when the pager's answer to the first telling was taken.
        eventually(lambda: looks(server, family) >= 2)
        if ends == "in order":
            server.stop()
        else:
            eventually(lambda: family.encode() in server.notified())
            server.kill()
        server.start()
        seen = looks(server, family)
        forgotten = server.alerts()
        server.post("alerts", [alert])
        eventually(lambda: looks(server, family) >= seen + 3)

    assert forgotten == []
    assert pager.statuses(family=family) == ["firing"]


def test_two_that_are_both_told_page_once(twins: Twins, pager: WebhookRecorder) -> None:
    alert = firing("Both", family="both")
    for server in twins:
        server.post("alerts", [alert])
    eventually(lambda: pager.statuses(family="both") != [])
    # The second in order waits for the first, then finds that it was told, then looks again.
    eventually(lambda: all(looks(server, "both") >= 2 for server in twins), seconds=30.0)

    assert pager.statuses(family="both") == ["firing"]


def test_of_two_that_are_both_told_the_one_that_is_left_pages(
    twins: Twins, pager: WebhookRecorder
) -> None:
    # Either may be the one that the other waits for, and is not there.
    dead, left = twins
    dead.kill()
    left.post("alerts", [firing("Left", family="left")])

    eventually(lambda: pager.statuses(family="left") == ["firing"])
