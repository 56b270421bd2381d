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
