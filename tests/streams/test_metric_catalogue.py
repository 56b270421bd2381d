import re

import pytest
from prometheus_client import generate_latest

from streams.metric import Metric
from streams.metric_catalogue import SECTIONS
from streams.metric_registry import Metrics

METRICS = [metric for section in SECTIONS.values() for metric in section]


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_metric_has_our_prefix_a_sentence_and_lowercase_words(metric: Metric) -> None:
    assert re.fullmatch(r"forcedflow(_[a-z0-9]+)+", metric.name)
    assert metric.help.endswith(".")
    assert all(re.fullmatch(r"[a-z_]+", label) for label in metric.labels)
    assert not metric.name.endswith("_total")


@pytest.mark.parametrize(
    "metric", [m for m in METRICS if m.kind == "histogram"], ids=lambda metric: metric.name
)
def test_a_histogram_has_a_unit_and_ascending_buckets(metric: Metric) -> None:
    assert metric.name.endswith("_seconds")
    assert metric.buckets == tuple(sorted(set(metric.buckets)))
    assert metric.buckets


def test_no_name_is_there_twice() -> None:
    names = [metric.name for metric in METRICS]

    assert len(names) == len(set(names))


@pytest.mark.parametrize("section", SECTIONS)
def test_a_registry_shows_every_metric_of_its_section(section: str) -> None:
    text = generate_latest(Metrics(SECTIONS[section]).registry).decode()

    for metric in SECTIONS[section]:
        assert f"# TYPE {metric.name}" in text
