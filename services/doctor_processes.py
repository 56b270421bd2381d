"""What the doctor makes of a process' /metrics."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families

from core.errors import described
from services.doctor_gather import Facts
from services.doctor_words import count, these
from services.findings import Finding, note, ok, problem
from services.http_get import HttpError, fetch

Samples = Mapping[str, Mapping[str, float]]
"""Metric -> value of its ``partition`` label, "" where it has none -> value."""


@dataclass(kw_only=True)
class ProcessFacts(Facts):
    """What one process exports."""

    url: str
    samples: Samples = field(default_factory=dict)


def look_at_process(facts: ProcessFacts) -> None:
    """Read its /metrics."""
    base = facts.url.rstrip("/").removesuffix("/metrics")
    facts.asking = f"reading {base}/metrics"
    text = fetch(f"{base}/metrics").decode(errors="replace")
    samples: dict[str, dict[str, float]] = defaultdict(dict)
    try:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name.startswith("forcedflow_"):
                    samples[sample.name][sample.labels.get("partition", "")] = sample.value
    except ValueError as error:
        message = f"no metrics of Prometheus at {base}/metrics: {described(error)}"
        raise HttpError(message) from error
    facts.samples = samples


def judge_process(facts: ProcessFacts) -> Iterator[Finding]:
    """Say what kind of process it is, and whether it complains."""
    subject = f"process {facts.url}"
    if facts.fault:
        yield problem(
            subject,
            facts.fault,
            means="it is gone, hangs, or listens elsewhere",
            mend="its log says on which port its metrics are: the next free one is taken",
        )
    elif _has(facts, "rebalances_total"):
        yield from _worker(subject, facts.samples)
    elif _has(facts, "blind"):
        yield from _alerter(subject, facts.samples)
    elif facts.samples:
        yield ok(subject, "answers")
    else:
        yield problem(
            subject,
            "answers, and is no process of forcedflow",
            means="something else listens there",
            mend="see which port the process has: its log says it",
        )


def _has(facts: ProcessFacts, name: str) -> bool:
    return f"forcedflow_{name}" in facts.samples


def _worker(subject: str, samples: Samples) -> Iterator[Finding]:
    owned = samples.get("forcedflow_partition_warming", {})
    warming = [int(number) for number, value in owned.items() if value]
    if warming:
        yield note(
            subject,
            f"a worker with {count(len(owned), 'partition')}, catching up on "
            f"{these('partition', warming)}",
            means="what it has not caught up on it does not publish",
            mend="wait; forcedflow_consumer_lag_records says how much is left",
        )
    elif owned:
        yield ok(subject, f"a worker with {count(len(owned), 'partition')}")
    else:
        yield note(
            subject,
            "a worker without partitions",
            means="it stands by, or could not take any over",
            mend="its log says which; more workers than partitions stand by",
        )
    waiting = samples.get("forcedflow_dead_letters_waiting", {}).get("", 0.0)
    if waiting:
        yield note(
            subject,
            f"{count(int(waiting), 'dead letter')} that Kafka has not taken",
            means="when too many wait it reads no more",
            mend="see the findings on Kafka and the topic dead-letters",
        )


def _alerter(subject: str, samples: Samples) -> Iterator[Finding]:
    if samples["forcedflow_blind"].get("", 0.0):
        yield problem(
            subject,
            "an alerter that is blind",
            means="what fires goes on, nothing starts or resolves",
            mend="its log says why; see the findings on Redis",
        )
    else:
        yield ok(subject, "an alerter that sees")
    if samples.get("forcedflow_rules_file_refused", {}).get("", 0.0):
        yield problem(
            subject,
            "its rules file cannot be used",
            means="the rules it read before are in force",
            mend="forcedflow rules check FILE says what is wrong with it",
        )
