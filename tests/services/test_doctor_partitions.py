import pytest

from services.doctor_kafka_facts import LogState
from services.doctor_partitions import judge_partials, judge_versions
from services.doctor_redis_facts import PartialState, PartitionState, RedisFacts
from services.doctor_snapshots import judge_snapshots
from services.findings import Finding, Verdict
from streams.partials import FORMAT
from streams.topics import INPUTS
from tests.support.doctor_facts import (
    ALL,
    NOW_MS,
    TOKEN,
    VERSION,
    head,
    kafka_facts,
    member,
    notes,
    partial,
    partition,
    problems,
    redis_facts,
)

OTHERS = {topic: head(topic) for topic in INPUTS if topic != "prices"}


def partials(**partitions: PartitionState) -> list[Finding]:
    found = {int(name[1:]): state for name, state in partitions.items()}
    return list(judge_partials(redis_facts(partitions=found), kafka_facts()))


def snapshots(
    *, partitions: dict[int, PartitionState] | None = None, **logs: LogState
) -> list[Finding]:
    kafka = kafka_facts(logs={(topic, 3): log for topic, log in logs.items()})
    return list(judge_snapshots(redis_facts(partitions=partitions), kafka))


def test_where_all_is_well_nothing_is_noted() -> None:
    assert {one.verdict for one in [*partials(), *snapshots()]} == {Verdict.OK}


def test_a_redis_on_which_no_worker_was_is_one_problem() -> None:
    empty = {number: PartitionState(None, None, {}, frozenset()) for number in ALL}

    findings = list(judge_partials(redis_facts(partitions=empty), kafka_facts()))

    assert problems(findings) == ["partials: none, and no tokens"]
    assert snapshots(partitions=empty) == []


def test_old_partials_name_the_worker_that_owns_them() -> None:
    old = partition(written=partial(age_ms=6_500))

    (finding,) = [one for one in partials(p3=old, p4=old) if one.verdict is Verdict.PROBLEM]

    assert finding.found.startswith("partitions 3–4: last written 6.5 s ago at the longest")
    assert finding.mend.startswith("owned by w1 on 10.0.0.7: it catches up, hangs,")


def test_old_partials_that_nobody_owns_need_a_worker() -> None:
    old = redis_facts(partitions={3: partition(written=partial(age_ms=6_500))})
    others = kafka_facts(members=[member(prices=[0, 1])])

    (finding,) = [one for one in judge_partials(old, others) if one.verdict is Verdict.PROBLEM]

    assert finding.mend == "no worker owns them: start workers"


def test_a_partition_without_partial_is_a_problem() -> None:
    absent = PartitionState(TOKEN, None, {}, frozenset({"token"}))

    assert problems(partials(p7=absent)) == ["partials: partition 7: none"]


def test_a_writer_that_was_replaced_and_still_writes_is_found() -> None:
    replaced = partition(token=TOKEN + 5_000, written=partial(token=TOKEN, age_ms=300))

    (found,) = problems(partials(p3=replaced))

    assert found.startswith("fencing: partition 3: an unfenced writer")


def test_a_partial_from_before_the_takeover_is_no_unfenced_writer() -> None:
    taken = partition(token=NOW_MS - 1_000, written=partial(token=TOKEN, age_ms=1_500))

    assert problems(partials(p3=taken)) == []


@pytest.mark.parametrize("token", [None, TOKEN - 1])
def test_a_token_that_redis_has_lost_is_found(token: int | None) -> None:
    (found,) = problems(partials(p3=partition(token=token)))

    assert found == "fencing: partition 3: the token of their owner is not there"


def test_partials_of_another_release_or_of_no_release_are_found() -> None:
    other = partition(written=partial(number=FORMAT + 1))
    damaged = partition(written=PartialState(TOKEN, NOW_MS, fault="5 bytes that are no partial"))

    assert problems(partials(p3=other, p4=damaged)) == [
        f"partials: partition 3: expected format {FORMAT}, it is {FORMAT + 1}",
        "partials: partition 4: 5 bytes that are no partial",
    ]


def versions(facts: RedisFacts, wanted: str = VERSION) -> list[Finding]:
    return list(judge_versions(facts, wanted=wanted, named_by="the folder"))


def test_versions_of_the_universe_have_to_be_one() -> None:
    mixed = redis_facts(partitions={3: partition(written=partial(universe="other"))})

    (found,) = problems(versions(mixed))

    assert "other on partition 3" in found
    assert f"{VERSION} on partitions 0–2, 4–11" in found


def test_the_version_has_to_be_the_one_that_is_meant() -> None:
    assert problems(versions(redis_facts(), wanted="mine")) == [
        f"universe: workers compute by {VERSION}, the folder is mine"
    ]
    assert problems(versions(redis_facts(), wanted="")) == []


def test_old_partials_have_no_say_in_the_version() -> None:
    left = redis_facts(partitions={3: partition(written=partial(universe="old", age_ms=9_000))})

    assert problems(versions(left)) == []


def test_snapshots_that_are_not_there_are_noted() -> None:
    nothing = {number: partition(heads={}) for number in ALL}
    lacking = {3: partition(heads=OTHERS)}

    assert notes(snapshots(partitions=nothing)) == [
        f"snapshots of {topic}: none" for topic in INPUTS
    ]
    assert notes(snapshots(partitions=lacking)) == ["snapshots of prices: none of partition 3"]


def saved(content: bytes) -> dict[int, PartitionState]:
    return {3: partition(heads={**OTHERS, "prices": content})}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (head("prices", offset=99), "end before the log begins"),
        (head("prices", offset=50_000), "end beyond the log"),
        (head("prices", identity="another"), "of another log"),
        (head("prices", cluster="another"), "of another log"),
    ],
)
def test_snapshots_that_do_not_fit_the_log_are_problems(content: bytes, told: str) -> None:
    assert problems(snapshots(partitions=saved(content))) == [
        f"snapshots of prices: partition 3: {told}"
    ]


def test_snapshots_that_cannot_be_used_are_noted() -> None:
    good = head("prices")
    other = good[:3] + bytes([good[3] + 1]) + good[4:]

    assert notes(snapshots(partitions=saved(other))) == [
        "snapshots of prices: partition 3: of another format"
    ]
    assert notes(snapshots(partitions=saved(good[:-1]))) == [
        "snapshots of prices: partition 3: cannot be read"
    ]


def test_how_far_snapshots_are_behind_is_told() -> None:
    findings = snapshots(prices=LogState(100, 5_120, 5_120))

    assert "snapshots of prices: of 12 partitions, at most 120 records behind" in [
        str(one) for one in findings
    ]


def test_groups_of_another_release_are_noted() -> None:
    more = partition(heads={topic: head(topic) for topic in (*INPUTS, "new")})

    assert notes(snapshots(partitions={3: more})) == ["snapshots: also of new"]
