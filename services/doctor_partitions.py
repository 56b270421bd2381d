"""What the doctor makes of the partitions in Redis: who may write, and what was written."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping

from services.doctor_kafka_facts import KafkaFacts
from services.doctor_redis_facts import PartialState, PartitionState, RedisFacts
from services.doctor_words import span, these
from services.findings import Finding, ok, problem
from streams.fencing import STALE_SECONDS
from streams.partials import FORMAT
from streams.topics import INPUTS

_SUBJECT = "partials"
_UNFENCED_MEANS = (
    "a worker that was replaced still writes, past the script that would refuse it: numbers of "
    "two owners mix"
)


def judge_partials(facts: RedisFacts, kafka: KafkaFacts) -> Iterator[Finding]:
    """Say whether each partition has an owner that writes, and only one."""
    partitions = facts.partitions
    if not partitions:
        return
    partials = {number: one.partial for number, one in partitions.items() if one.partial}
    if not partials and not any(one.token for one in partitions.values()):
        yield problem(
            _SUBJECT,
            "none, and no tokens",
            means="no worker has taken over a partition since this Redis began",
            mend="start workers: forcedflow worker --help; see that they use this Redis",
        )
        return
    yield from _ages(facts, partials, kafka)
    yield from _readable(partials)
    yield from _fencing(partitions)


def judge_versions(facts: RedisFacts, *, wanted: str, named_by: str) -> Iterator[Finding]:
    """Say whether all partials are of one universe, and of the one that `named_by` names.

    ``wanted`` is "" where it is not known.
    """
    by_version: dict[str, list[int]] = defaultdict(list)
    for number, one in facts.partitions.items():
        if one.partial is not None and one.partial.universe and not _is_old(facts, one.partial):
            by_version[one.partial.universe].append(number)
    if len(by_version) > 1:
        told = "; ".join(
            f"{version} on {these('partition', numbers)}" for version, numbers in by_version.items()
        )
        yield problem(
            "universe",
            f"workers compute by different versions: {told}",
            means="partitions of a version that the alerter has not are unknown to it",
            mend="a switch takes seconds; if it stays so, restart the workers that lag behind",
        )
    elif by_version and wanted and wanted not in by_version:
        yield problem(
            "universe",
            f"workers compute by {next(iter(by_version))}, {named_by} is {wanted}",
            means="they do not have the tables you mean",
            mend="forcedflow universe import brings a folder to all; a worker that was given a "
            "folder has to be restarted",
        )
    elif by_version:
        agreed = f", as {named_by}" if wanted else ""
        yield ok("universe", f"all fresh partials are of {next(iter(by_version))}{agreed}")


def _is_old(facts: RedisFacts, partial: PartialState) -> bool:
    return facts.now_ms - partial.written_ms > STALE_SECONDS * 1000


def _ages(
    facts: RedisFacts, partials: Mapping[int, PartialState], kafka: KafkaFacts
) -> Iterator[Finding]:
    missing = sorted(facts.partitions.keys() - partials.keys())
    if missing:
        yield problem(
            _SUBJECT,
            f"{these('partition', missing)}: none",
            means="their references are unknown",
            mend=_why_old(missing, kafka),
        )
    ages = {number: (facts.now_ms - one.written_ms) / 1000 for number, one in partials.items()}
    old = sorted(number for number, age in ages.items() if age > STALE_SECONDS)
    if old:
        oldest = max(ages[number] for number in old)
        yield problem(
            _SUBJECT,
            f"{these('partition', old)}: last written {span(oldest)} ago at the longest "
            f"(over {STALE_SECONDS:g} s is unknown)",
            means="their references are unknown; unknown never resolves an alert",
            mend=_why_old(old, kafka),
        )
    if ages and not old and not missing:
        yield ok(
            _SUBJECT, f"all {len(ages)} are fresh, the oldest {span(max(*ages.values(), 0.0))}"
        )


def _why_old(numbers: list[int], kafka: KafkaFacts) -> str:
    """Return what to look at: who owns these partitions, as Kafka says."""
    members = kafka.group.members if kafka.group else ()
    names = sorted(
        {
            member.name
            for member in members
            if any(number in member.owned.get(INPUTS[0], ()) for number in numbers)
        }
    )
    if not names:
        return "no worker owns them: start workers"
    return (
        f"owned by {', '.join(names)}: it catches up, hangs, is cut off from Redis, or has just "
        "ended; its log and forcedflow_partition_warming in its /metrics say which"
    )


def _readable(partials: Mapping[int, PartialState]) -> Iterator[Finding]:
    formats = sorted(
        number for number, one in partials.items() if not one.fault and one.format != FORMAT
    )
    if formats:
        yield problem(
            _SUBJECT,
            f"{these('partition', formats)}: expected format {FORMAT}, it is "
            f"{', '.join(sorted({str(partials[number].format) for number in formats}))}",
            means="workers and alerter are of different releases: these partitions are unknown",
            mend="bring all processes to one release",
        )
    damaged = sorted(number for number, one in partials.items() if one.fault)
    if damaged:
        yield problem(
            _SUBJECT,
            f"{these('partition', damaged)}: {partials[damaged[0]].fault}",
            means="something else writes to this key",
            mend="give the service a Redis, or a database number, of its own",
        )


def _fencing(partitions: Mapping[int, PartitionState]) -> Iterator[Finding]:
    def where(test: Callable[[int | None, PartialState], bool]) -> list[int]:
        return [
            number
            for number, one in partitions.items()
            if one.partial is not None and test(one.token, one.partial)
        ]

    # A token is Redis' time in ms when it was taken, or later.
    unfenced = where(lambda token, one: token is not None and one.token < token < one.written_ms)
    lost = where(lambda token, one: token is None or one.token > token)
    if unfenced:
        yield problem(
            "fencing",
            f"{these('partition', unfenced)}: an unfenced writer: the partial has an older token "
            "than the partition, and was written after that was taken",
            means=_UNFENCED_MEANS,
            mend="end every worker and start them again; look for one of another release",
        )
    if lost:
        yield problem(
            "fencing",
            f"{these('partition', lost)}: the token of their owner is not there",
            means="Redis has lost writes, or keys were deleted: until its next write an owner that "
            "was replaced would not be refused",
            mend="workers put it there again by themselves; find out what Redis lost (its log)",
        )
    untaken = sorted(
        number for number, one in partitions.items() if one.token is None and not one.partial
    )
    if untaken:
        yield problem(
            "fencing",
            f"{these('partition', untaken)}: no token",
            means="no worker has taken them over",
            mend="start workers; if they run, their logs say what keeps them from it",
        )
    if not unfenced and not lost and not untaken:
        yield ok("fencing", "no partition has two writers")
