import gzip
import socket
import urllib.error
import urllib.request

import pytest

from core.errors import ConfigError
from services.child_process import free_port
from services.exposition import Exposition
from streams.metric_catalogue import WORKER
from streams.metric_registry import Metrics


def page(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        text: str = answer.read().decode()
    return text


def test_metrics_are_served_until_closed() -> None:
    metrics = Metrics(WORKER)
    metrics.counter("forcedflow_events", "prices", "applied").inc(3)

    with Exposition(metrics.registry, port=free_port()) as exposition:
        text = page(exposition.port)

    assert 'forcedflow_events_total{outcome="applied",topic="prices"} 3.0' in text
    with pytest.raises(OSError, match="refused"):
        page(exposition.port)


def test_a_taken_port_leads_to_the_next() -> None:
    metrics = Metrics(WORKER)

    with (
        Exposition(metrics.registry, port=free_port()) as first,
        Exposition(metrics.registry, port=first.port) as second,
    ):
        assert second.port > first.port


def test_an_address_of_another_machine_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match=r"192\.0\.2\.1"):
        Exposition(Metrics(WORKER).registry, port=free_port(), host="192.0.2.1")


def test_a_scrape_is_compressed_where_that_is_taken() -> None:
    metrics = Metrics(WORKER)
    with Exposition(metrics.registry, port=free_port()) as exposition:
        answers = {}
        for accepted in ("gzip", "deflate, GZIP;q=0.5", "identity", "gzip;q=0"):
            request = urllib.request.Request(
                f"http://127.0.0.1:{exposition.port}/metrics", headers={"Accept-Encoding": accepted}
            )
            with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
                answers[accepted] = answer.headers["Content-Encoding"], answer.read()
                assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"

    assert [coding for coding, _ in answers.values()] == ["gzip", "gzip", None, None]
    assert b"forcedflow_rebalances_total 0.0\n" in gzip.decompress(answers["gzip"][1])


def test_only_metrics_are_there() -> None:
    with (
        Exposition(Metrics(WORKER).registry, port=free_port()) as exposition,
        pytest.raises(urllib.error.HTTPError, match="404"),
    ):
        urllib.request.urlopen(f"http://127.0.0.1:{exposition.port}/secrets", timeout=5)


def test_a_client_that_goes_away_ends_nothing() -> None:
    with Exposition(Metrics(WORKER).registry, port=free_port()) as exposition:
        for _ in range(3):
            with socket.create_connection(("127.0.0.1", exposition.port)) as client:
                client.sendall(b"GET /metrics HTTP/1.1\r\n")

        assert "forcedflow_rebalances_total" in page(exposition.port)
