"""What we rely on in a real Alertmanager, and what our client makes of its answers."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest

from services.alert_messages import PostableAlert, host_time_text
from services.alertmanager import Batch, Outcome, Peer, judge
from services.alertmanager_http import HttpTransport
from services.clock import SystemClock
from tests.support.alertmanager_server import AlertmanagerServer
from tests.support.push_reports import PushReports
from tests.support.webhook_recorder import WebhookRecorder

pytestmark = pytest.mark.debian("prometheus-alertmanager")

CLOCK = SystemClock()


@pytest.fixture(scope="module")
def pager() -> Iterator[WebhookRecorder]:
    with WebhookRecorder() as recorder:
        yield recorder


@pytest.fixture(scope="module")
def server(
    pager: WebhookRecorder, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AlertmanagerServer]:
    with AlertmanagerServer(tmp_path_factory.mktemp("alertmanager"), pager.url) as running:
        yield running


@pytest.fixture
async def transport() -> AsyncIterator[HttpTransport]:
    async with aiohttp.ClientSession() as session:
        yield HttpTransport(session)


class Pushes:
    """One peer at the real server, and what it reported."""

    def __init__(self, url: str, transport: HttpTransport) -> None:
        self.reports = PushReports()
        self.peer = Peer(
            url,
            transport=transport,
            clock=CLOCK,
            jitter=lambda: 0.5,
            observer=self.reports.observer(),
        )

    @property
    def outcomes(self) -> list[Outcome]:
        return [outcome for _url, outcome in self.reports.outcomes]

    async def push(self, *alerts: PostableAlert) -> None:
        await self.peer.push(lambda: Batch(1, alerts))


def alert(symbol: str, *, ends_in_seconds: float = 300.0, label: str = "family") -> PostableAlert:
    now_ns = CLOCK.now_ns()
    ends_ns = now_ns + round(ends_in_seconds * 1e9)
    return PostableAlert(
        labels={"alertname": "Contract", "symbol": symbol, label: "x"},
        annotations={"summary": f"SELL {symbol}"},
        starts_at=host_time_text(min(now_ns, ends_ns)),
        ends_at=host_time_text(ends_ns),
    )


def held(server: AlertmanagerServer) -> set[str]:
    return {found["labels"]["symbol"] for found in server.alerts()}


async def test_a_push_is_accepted_with_our_very_times(
    server: AlertmanagerServer, transport: HttpTransport
) -> None:
    pushes = Pushes(server.url, transport)
    pushed = alert("TIMES")
    await pushes.push(pushed)

    [found] = [found for found in server.alerts() if found["labels"]["symbol"] == "TIMES"]
    assert pushes.outcomes == ["ok"]
    assert found["startsAt"] == pushed.starts_at
    assert found["endsAt"] == pushed.ends_at
    assert found["annotations"] == pushed.annotations


async def test_an_empty_batch_is_accepted(
    server: AlertmanagerServer, transport: HttpTransport
) -> None:
    pushes = Pushes(server.url, transport)
    await pushes.push()

    assert pushes.outcomes == ["ok"]


async def test_an_end_that_has_passed_resolves(
    server: AlertmanagerServer, transport: HttpTransport
) -> None:
    pushes = Pushes(server.url, transport)
    await pushes.push(alert("ENDS"))
    assert "ENDS" in held(server)

    await pushes.push(alert("ENDS", ends_in_seconds=-0.001))
    assert "ENDS" not in held(server)


async def test_one_alert_it_refuses_does_not_cost_the_others(
    server: AlertmanagerServer, transport: HttpTransport
) -> None:
    pushes = Pushes(server.url, transport)
    await pushes.push(alert("GOOD1"), alert("BAD", label="not-a-label-name"), alert("GOOD2"))

    assert {"GOOD1", "GOOD2"} <= held(server)
    assert "BAD" not in held(server)
    assert pushes.outcomes == ["refused", "ok"]
    assert pushes.reports.refused == 1
    assert pushes.peer.delivered == 1


async def test_a_batch_of_the_wrong_type_is_refused_whole(
    server: AlertmanagerServer, transport: HttpTransport
) -> None:
    broken = b'[{"labels": {"alertname": "Contract"}, "annotations": {"summary": 7}}]'
    answer = await transport.post(f"{server.url}/api/v2/alerts", broken)

    assert answer.status == 400
    assert "annotations" in answer.body
    assert judge(answer) == "refused"


async def test_a_url_that_is_none_of_alertmanagers_is_rejected(
    server: AlertmanagerServer, transport: HttpTransport
) -> None:
    pushes = Pushes(f"{server.url}/elsewhere", transport)
    await pushes.push(alert("NOWHERE"))

    assert pushes.outcomes == ["rejected"]


async def test_nobody_listening_is_an_answer(transport: HttpTransport) -> None:
    pushes = Pushes("http://127.0.0.1:9", transport)
    await pushes.push(alert("ALONE"))

    assert pushes.outcomes == ["unreachable"]


async def test_a_server_that_hangs_is_given_up_in_time(
    server: AlertmanagerServer, transport: HttpTransport
) -> None:
    pushes = Pushes(server.url, transport)
    tenths = 0
    server.pause()
    try:
        pushing = asyncio.create_task(pushes.push(alert("HANGS")))
        while not pushing.done():
            # Counted by the loop that pushes: while the machine keeps it waiting nothing counts.
            await asyncio.sleep(0.1)
            tenths += 1
    finally:
        server.resume()

    assert pushes.outcomes == ["timeout"]
    assert tenths < 30
