"""Topics held against what they have to be, in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.findings import Finding, Verdict, note, problem
from services.topic_states import TopicState
from streams.topics import (
    ALERTS,
    CLOSES,
    FLOWS,
    OPEN_INTEREST,
    PRICES,
    UNIVERSE,
    TopicSpec,
)

KEYED = (PRICES, FLOWS, OPEN_INTEREST, CLOSES)
"""Topics that the owner of a reference's partition reads: they share one number of partitions."""
ORDERED = (UNIVERSE, ALERTS)
"""Topics that are read in the order they were written in: one partition each."""
INSYNC = "min.insync.replicas"

_UPDATE = "forcedflow topics create --update-configs sets it"
_REBUILD = (
    "the number cannot be put right in place: outside the session stop the service, delete the "
    "topic, run forcedflow topics create, and have the sources sent again"
)
_MEANS = {
    "cleanup.policy": "records are kept by another rule: state rebuilt from the log would lack "
    "some, or the log grows for ever",
    "message.timestamp.type": "Kafka's times would be the senders' clocks: old prices may pass as "
    "fresh, and fresh ones as stale",
    "max.message.bytes": "where it is smaller, long records and long dead letters are refused",
    "retention.ms": "where it is shorter, a worker without a snapshot finds less to rebuild from; "
    "where it is longer, disks fill",
}
_DAY_MS = 24 * 60 * 60 * 1000


@dataclass(frozen=True)
class TopicFindings:
    """What is not as it has to be.

    A problem: a topic is missing, has partitions so that references would fall apart, or can take
    no record. A note: it differs otherwise, which an operator may have meant.

    Attributes
    ----------
    findings : list[Finding]                        in the order of the topics
    configs : dict str -> dict str -> str           topic -> settings to set
    """

    findings: list[Finding] = field(default_factory=list)
    configs: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def broken(self) -> list[str]:
        """The problems, a line each: the topics do not serve."""
        return [str(one) for one in self.findings if one.verdict is Verdict.PROBLEM]

    @property
    def unlike(self) -> list[str]:
        """The notes, a line each."""
        return [str(one) for one in self.findings if one.verdict is Verdict.NOTE]


def insync_for(copies: int) -> int:
    """Return the copies that must have a record before it counts: one may be away, if it can."""
    return 2 if copies > 2 else 1  # noqa: PLR2004 (three copies outlive one broker and one more)


def judge_topics(
    states: Mapping[str, TopicState], *, prefix: str, specs: Sequence[TopicSpec]
) -> TopicFindings:
    """Compare the topics that exist with the specifications of those that have to."""
    result = TopicFindings()
    missing: list[str] = []
    for spec in specs:
        name = f"{prefix}{spec.name}"
        state = states.get(name)
        if state is None:
            missing.append(name)
            continue
        _judge_partitions(name, spec, state, result)
        _judge_settings(name, spec, state, result)
        _judge_insync(name, state, result)
    if missing:
        subject = f"topic{'' if len(missing) == 1 else 's'} {', '.join(missing)}"
        means = "what should lie there can neither be sent nor read"
        mend = "forcedflow topics create makes what is missing"
        result.findings.insert(0, problem(subject, "missing", means=means, mend=mend))
    single = [name for name, state in states.items() if state.copies == 1]
    if single:
        result.findings.append(
            note(
                "topics",
                f"one copy of {_all_or(single, states)}",
                means="a broker whose disk is lost takes records with it; no service on one "
                "broker can have more",
                mend="with three brokers make them anew with --replication 3",
            )
        )
    return result


def _judge_partitions(name: str, spec: TopicSpec, state: TopicState, result: TopicFindings) -> None:
    if state.partitions == spec.partitions:
        return
    found = f"expected {spec.partitions} partitions, it has {state.partitions}"
    subject = f"topic {name}"
    if spec.name in KEYED:
        means = "events of one reference would lie on different partitions, with different owners"
        result.findings.append(problem(subject, found, means=means, mend=_REBUILD))
    elif spec.name in ORDERED:
        means = "its records have to be read in the order in which they were written"
        result.findings.append(problem(subject, found, means=means, mend=_REBUILD))
    else:
        result.findings.append(note(subject, found, means="nothing depends on it"))


def _judge_settings(name: str, spec: TopicSpec, state: TopicState, result: TopicFindings) -> None:
    for key, wanted in spec.config.items():
        found = state.config.get(key)
        if found is not None and _parts(found) == _parts(wanted):
            continue
        result.configs.setdefault(name, {})[key] = wanted
        result.findings.append(
            note(
                f"topic {name}",
                f"expected {shown(key, wanted)}, it was {shown(key, found)}",
                means=_MEANS.get(key, ""),
                mend=_UPDATE,
            )
        )


def _judge_insync(name: str, state: TopicState, result: TopicFindings) -> None:
    found = int(state.config.get(INSYNC, "1"))
    wanted = insync_for(state.copies)
    subject = f"topic {name}"
    copies = f"{state.copies} {'copy' if state.copies == 1 else 'copies'}"
    told = f"expected {INSYNC}={wanted} with {copies}, it was {found}"
    if found > state.copies:
        means = "Kafka takes no record for it"
        result.findings.append(problem(subject, told, means=means, mend=_UPDATE))
    elif found < wanted:
        means = "a record counts as safe on one broker, and may be lost with it"
        result.findings.append(note(subject, told, means=means, mend=_UPDATE))
    elif found > wanted and state.copies > 1:
        means = "with one broker away Kafka takes no record for it"
        result.findings.append(note(subject, told, means=means, mend=_UPDATE))
    else:
        return
    result.configs.setdefault(name, {})[INSYNC] = str(wanted)


def shown(key: str, value: str | None) -> str:
    """Return a setting as people read it: ``retention.ms=604800000 (7 days)``."""
    if value is None:
        return f"{key} unset"
    if key != "retention.ms":
        return f"{key}={value}"
    days = int(value) / _DAY_MS
    told = "for ever" if days < 0 else f"{days:g} day{'' if days == 1 else 's'}"
    return f"{key}={value} ({told})"


def _parts(value: str) -> frozenset[str]:
    # A cleanup policy lists its words in any order.
    return frozenset(value.split(","))


def _all_or(names: Sequence[str], states: Mapping[str, TopicState]) -> str:
    return "every topic" if len(names) == len(states) else ", ".join(names)
