from services.doctor_alerter import judge_alerter
from services.doctor_redis_facts import LeaseState, PartitionState, RedisFacts, ViewHead
from services.findings import Verdict
from tests.support.doctor_facts import ALL, NOW_MS, VERSION, notes, problems, redis_facts, view


def found(facts: RedisFacts) -> list[str]:
    return problems(list(judge_alerter(facts)))


def test_where_all_is_well_nothing_is_noted() -> None:
    findings = list(judge_alerter(redis_facts()))

    assert {one.verdict for one in findings} == {Verdict.OK}
    assert str(findings[-1]) == "lease: alerter-1 has it, 4.2 s left"


def test_an_alerter_of_a_release_without_lease_is_well() -> None:
    assert found(redis_facts(lease=None)) == []


def test_what_the_alerter_does_not_know_is_a_problem() -> None:
    assert found(redis_facts(view=view(0.2, 3, 4))) == [
        "view: the alerter does not know partitions 3–4"
    ]


def test_an_old_view_says_whether_the_alerter_is_blind_or_gone() -> None:
    over = LeaseState("alerter-1", NOW_MS - 1)

    assert found(redis_facts(view_age_seconds=42)) == [
        "view: 42 s old, though alerter-1 has the lease"
    ]
    assert found(redis_facts(view_age_seconds=42, lease=over)) == [
        "view: 42 s old, and the lease of alerter-1 is over"
    ]
    assert found(redis_facts(view_age_seconds=42, lease=None)) == [
        "view: 42 s old, and nobody has the lease"
    ]


def test_without_a_view_it_matters_whether_workers_publish() -> None:
    empty = {number: PartitionState(None, None, {}, frozenset()) for number in ALL}
    idle = redis_facts(view=None, lease=None, partitions=empty)

    assert found(redis_facts(view=None, lease=None)) == [
        "view: none, though workers have published"
    ]
    assert found(idle) == []
    assert notes(list(judge_alerter(idle))) == ["view: none"]


def test_a_view_that_cannot_be_read_is_a_problem() -> None:
    assert found(redis_facts(view="5 bytes that are no view")) == ["view: 5 bytes that are no view"]
    for text in ("yesterday", "2026-06-23T10:00:00"):
        (told,) = found(redis_facts(view=ViewHead(VERSION, text, [])))
        assert "expected a time at which it was written" in told
