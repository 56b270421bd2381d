"""What the doctor makes of the workers' group: who owns what, and how far behind they are."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from services.doctor_kafka_facts import Group, KafkaFacts, LogState
from services.doctor_words import count, span, these
from services.findings import Finding, note, ok, problem
from streams.topics import INPUTS, OPEN_INTEREST, PARTITIONS

LAG_NOTE_SECONDS = 15.0
"""What was saved is committed every two seconds: a worker at work is never this far behind."""
LAG_PROBLEM_SECONDS = 60.0
_SAVED_EVERY_SECONDS = {OPEN_INTEREST: 30.0}
"""Topics that are saved less often than each second."""

_START = "start workers: forcedflow worker --help; if they run, their logs say why they left"


def judge_group(facts: KafkaFacts) -> Iterator[Finding]:
    """Say who is in the group, which partitions nobody owns, and whose topics do not match."""
    group, subject = facts.group, f"group {facts.group_id}"
    if group is None:
        return
    if not group.members:
        known = "nobody is in it" if group.state != "Dead" else "there is none"
        yield problem(
            subject,
            known,
            means="no worker reads: partials age, and after 3 s everything is unknown",
            mend=f"{_START}; worker.group_id may be another",
        )
    elif group.state != "Stable":
        yield note(
            subject,
            f"{group.state}: its {count(len(group.members), 'member')} divide the partitions anew",
            means="nothing is read meanwhile",
            mend="ask again in ten seconds; if it stays so, a worker does not answer: restart it",
        )
    else:
        yield from _ownership(subject, group)


def judge_lag(facts: KafkaFacts) -> Iterator[Finding]:
    """Say for each input how much the group has not read, and for how long."""
    for topic in INPUTS:
        logs = {
            number: log for (name, number), log in facts.logs.items() if name == topic and log.lag
        }
        if any(name == topic for name, _ in facts.logs):
            yield _lag(facts, topic, logs)


def _ownership(subject: str, group: Group) -> Iterator[Finding]:
    owners: dict[str, dict[int, str]] = defaultdict(dict)
    for member in group.members:
        for topic, numbers in member.owned.items():
            owners[topic] |= dict.fromkeys(numbers, member.name)
    lacking = {
        topic: missing
        for topic in INPUTS
        if (missing := set(range(PARTITIONS)) - owners[topic].keys())
    }
    apart = [
        number
        for number in range(PARTITIONS)
        if len({owners[topic].get(number) for topic in INPUTS} - {None}) > 1
    ]
    for topic, missing in lacking.items():
        yield problem(
            subject,
            f"nobody owns {these('partition', missing)} of {topic}",
            means="what lies there is not read, and its references become unknown",
            mend="restart the workers; of another release or topics prefix, they read other topics",
        )
    if apart:
        yield problem(
            subject,
            f"{these('partition', apart)}: {', '.join(INPUTS)} have different owners",
            means="no owner has all of a reference, so none serves it",
            mend="see that only workers of one release are in the group, and restart them",
        )
    if not lacking and not apart:
        shares = sorted(len(member.owned.get(INPUTS[0], ())) for member in group.members)
        yield ok(
            subject,
            f"{count(len(group.members), 'worker')} with {_range(shares[0], shares[-1])} of "
            f"{PARTITIONS} partitions{'' if len(shares) == 1 else ' each'}: "
            + ", ".join(sorted(member.name for member in group.members)),
        )


def _lag(facts: KafkaFacts, topic: str, behind: Mapping[int, LogState]) -> Finding:
    subject = f"topic {facts.prefix}{topic}"
    if not behind:
        return ok(subject, "handled and saved to its end")
    records = sum(log.lag for log in behind.values())
    ages = {
        number: (facts.host_ms - log.waiting_ms) / 1000
        for number, log in behind.items()
        if log.waiting_ms is not None
    }
    if not ages:
        return note(
            subject,
            f"{count(records, 'record')} not handled and saved, for how long is not known",
            means="Kafka did not hand out the records at the group's offsets in time",
        )
    worst = max(ages, key=lambda number: ages[number])
    oldest = span(max(ages[worst], 0.0))
    found = f"{count(records, 'record')} not handled and saved, the oldest {oldest} old"
    usual = _SAVED_EVERY_SECONDS.get(topic, 0.0)
    if ages[worst] <= usual + LAG_NOTE_SECONDS:
        return ok(subject, found)
    late = [number for number, age in ages.items() if age > usual + LAG_NOTE_SECONDS]
    means = "the projection is that much behind the market there"
    mend = "start more workers, or look why theirs do not read: log, /metrics, CPU"
    told = f"{found}, in {these('partition', late)}"
    if ages[worst] > usual + LAG_PROBLEM_SECONDS:
        return problem(subject, told, means=means, mend=mend)
    return note(subject, told, means=means, mend=mend)


def _range(least: int, most: int) -> str:
    return str(least) if least == most else f"{least} to {most}"
