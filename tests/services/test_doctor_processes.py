import http.server
import json
import socket
import socketserver
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from services.child_process import free_port
from services.clock import SystemClock
from services.doctor_alertmanager import (
    AlertmanagerFacts,
    judge_alertmanager,
    look_at_alertmanager,
)
from services.doctor_gather import Question, ask_all
from services.doctor_processes import ProcessFacts, judge_process, look_at_process
from services.exposition import Exposition
from services.findings import Finding, Verdict
from services.http_get import HttpError, fetch
from streams.metric_catalogue import ALERTER, GATEWAY, WORKER
from streams.metric_registry import Metrics
from tests.support.alertmanager_server import AlertmanagerServer
from tests.support.doctor_facts import notes, problems


class _Page(http.server.BaseHTTPRequestHandler):
    status, body = 200, b"hello"

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.send_header("Location", "http://127.0.0.1:1/")
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def listening(status: int = 200, body: bytes = b"hello") -> Iterator[str]:
    page = type("Page", (_Page,), {"status": status, "body": body})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_a_page_that_is_no_metrics_is_told_with_what_was_wrong() -> None:
    with listening(body=b"{}\n") as url:
        [finding] = process(url)
    assert "no metrics of Prometheus" in finding.found
    assert "Error" in finding.found.rpartition("/metrics: ")[2]


def process(url: str) -> list[Finding]:
    question = Question(ProcessFacts(url=url), look_at_process)
    ask_all([question], seconds=10, clock=SystemClock())
    return list(judge_process(question.told()))


def alertmanager(url: str) -> list[Finding]:
    question = Question(AlertmanagerFacts(url=url), look_at_alertmanager)
    ask_all([question], seconds=10, clock=SystemClock())
    return list(judge_alertmanager(question.told()))


@contextmanager
def exposing(metrics: Metrics) -> Iterator[str]:
    with Exposition(metrics.registry, port=free_port()) as exposition:
        yield f"http://127.0.0.1:{exposition.port}"


def test_a_worker_tells_what_it_owns_and_what_it_catches_up_on() -> None:
    metrics = Metrics(WORKER)
    with exposing(metrics) as url:
        idle = process(url)
        for number in range(4):
            metrics.gauge("forcedflow_partition_warming", str(number)).set(0)
        serving = process(f"{url}/metrics")
        metrics.gauge("forcedflow_partition_warming", "3").set(1)
        metrics.gauge("forcedflow_dead_letters_waiting").set(7)
        warming = process(url)

    assert notes(idle) == [f"process {url}: a worker without partitions"]
    assert [str(one) for one in serving] == [f"process {url}/metrics: a worker with 4 partitions"]
    assert notes(warming) == [
        f"process {url}: a worker with 4 partitions, catching up on partition 3",
        f"process {url}: 7 dead letters that Kafka has not taken",
    ]


def test_an_alerter_tells_whether_it_sees() -> None:
    metrics = Metrics(ALERTER)
    with exposing(metrics) as url:
        sees = process(url)
        metrics.gauge("forcedflow_blind").set(1)
        blind = process(url)

    assert [one.verdict for one in sees] == [Verdict.OK]
    assert problems(blind) == [f"process {url}: an alerter that is blind"]


def test_an_alerter_tells_that_its_rules_file_cannot_be_used() -> None:
    metrics = Metrics(ALERTER)
    metrics.gauge("forcedflow_rules_file_refused").set(1)
    with exposing(metrics) as url:
        found = process(url)

    assert problems(found) == [f"process {url}: its rules file cannot be used"]


def test_a_gateway_answers() -> None:
    with exposing(Metrics(GATEWAY)) as url:
        assert [str(one) for one in process(url)] == [f"process {url}: answers"]


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (200, b"up 1\n", "answers, and is no process of forcedflow"),
        (200, b"<html>", "no metrics of Prometheus"),
        (500, b"", "answers 500 Internal Server Error"),
        (302, b"", "answers 302 Found"),
    ],
)
def test_what_is_no_process_of_ours_is_told(status: int, body: bytes, told: str) -> None:
    with listening(status, body) as url:
        (found,) = problems(process(url))

    assert told in found


@pytest.mark.parametrize("ask", [process, alertmanager])
def test_what_is_not_there_or_hangs_is_told(ask: Callable[[str], list[Finding]]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        hangs = ask(f"http://127.0.0.1:{silent.getsockname()[1]}")
    absent = ask(f"http://127.0.0.1:{free_port()}")

    assert [one.found for one in hangs] == ["no answer within 2 s"]
    assert [one.found for one in absent] == ["cannot be reached: Connection refused"]


@pytest.mark.parametrize("ask", [process, alertmanager])
def test_what_speaks_another_language_is_told(ask: Callable[[str], list[Finding]]) -> None:
    class Other(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65536)
            self.request.sendall(b"-ERR wrong number of arguments\r\n")

    with socketserver.TCPServer(("127.0.0.1", 0), Other) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        (found,) = ask(f"http://127.0.0.1:{server.server_address[1]}")
        thread.join()

    assert found.found.startswith("answers no HTTP: ")


@pytest.mark.parametrize("url", ["file:///etc/passwd", "nonsense", "http://[::1"])
def test_only_addresses_are_fetched(url: str) -> None:
    with pytest.raises(HttpError):
        fetch(url)


def test_something_else_is_no_alertmanager() -> None:
    with listening() as url:
        (found,) = problems(alertmanager(url))

    assert f"no Alertmanager answers at {url}/api/v2/status" in found


@pytest.mark.debian("prometheus-alertmanager")
def test_an_alertmanager_tells_its_version_our_alerts_and_their_silences(tmp_path: Path) -> None:
    labels = {"alertname": "ForcedFlowWarning", "severity": "warning", "family": "forced-flow"}
    labels |= {"side": "sell", "scope": "symbol", "symbol": "SOXX"}
    with AlertmanagerServer(tmp_path, "http://127.0.0.1:1/") as server:
        post(server, "alerts", [{"labels": labels}, {"labels": {"alertname": "DiskFull"}}])
        before = alertmanager(server.url)
        for name, value in (("alertname", "DiskFull"), ("symbol", "SOXX"), ("room", "ai")):
            silence(server, name, value)
        silence(server, "alertname", "ForcedFlowWatch")
        after = alertmanager(server.url)

    assert [one.verdict for one in before] == [Verdict.OK]
    assert before[0].found.startswith("ready, version 0.")
    assert before[0].found.endswith(", 1 alert of forcedflow")
    assert [one.verdict for one in after] == [Verdict.OK, Verdict.NOTE, Verdict.NOTE]
    assert {one.means.split(" pages")[0] for one in after[1:]} == {
        'symbol="SOXX"',
        'alertname="ForcedFlowWatch"',
    }
    assert "a silence by tester until 2999-" in after[1].found


def silence(server: AlertmanagerServer, name: str, value: str) -> None:
    times = {"startsAt": "2020-01-01T00:00:00Z", "endsAt": "2999-01-01T00:00:00Z"}
    matchers = [{"name": name, "value": value, "isRegex": False}]
    post(server, "silences", {**times, "matchers": matchers, "createdBy": "tester", "comment": "c"})


def post(server: AlertmanagerServer, what: str, content: object) -> None:
    request = urllib.request.Request(  # noqa: S310 (a loopback address)
        f"{server.url}/api/v2/{what}",
        json.dumps(content).encode(),
        {"Content-Type": "application/json"},
    )
    urllib.request.urlopen(request, timeout=5).close()  # noqa: S310 (as above)
