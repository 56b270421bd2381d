import pytest

from services.doctor_redis import judge_server
from services.doctor_redis_facts import RedisFacts
from services.findings import Verdict
from tests.support.doctor_facts import notes, problems, redis_facts


def test_where_all_is_well_nothing_is_noted() -> None:
    assert {one.verdict for one in judge_server(redis_facts())} == {Verdict.OK}


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        ("no_password", "asks for a password, and none is given"),
        ("password", "refuses the password (why)"),
        ("silent", "accepts connections and does not answer (why)"),
        ("unreachable", "cannot be reached (why)"),
        ("loading", "is still loading (why)"),
        ("refuses", "refuses (why)"),
    ],
)
def test_each_trouble_has_its_own_words_and_cure(trouble: str, told: str) -> None:
    facts = RedisFacts(address="r:6379", fault="why", trouble=trouble)  # type: ignore[arg-type]

    (finding,) = judge_server(facts)

    assert finding.found == told
    assert finding.mend


@pytest.mark.parametrize(
    ("info", "problem"),
    [
        ({"redis_version": "6.0.16"}, "expected version 6.2 or later, it is 6.0.16"),
        ({"role": "slave"}, "it is a slave"),
        ({"aof_enabled": 0}, "Redis appendonly: no"),
        ({"aof_last_write_status": "err"}, "its last write failed: err"),
        ({"maxmemory_policy": "allkeys-lru"}, "expected noeviction, it is allkeys-lru"),
        ({"used_memory": 950_000_000}, "950 of 1,000 MB used (95%)"),
    ],
)
def test_what_would_lose_data_is_a_problem(info: dict[str, object], problem: str) -> None:
    (found,) = problems(list(judge_server(redis_facts(info=info))))

    assert found.endswith(problem)


def test_memory_without_a_bound_or_filling_up_is_noted() -> None:
    unbounded = {"maxmemory": 0, "maxmemory_policy": "allkeys-lru"}

    assert notes(list(judge_server(redis_facts(info={"used_memory": 800_000_000})))) == [
        "Redis memory: 800 of 1,000 MB used (80%)"
    ]
    assert notes(list(judge_server(redis_facts(info=unbounded)))) == [
        "Redis maxmemory-policy: expected noeviction, it is allkeys-lru",
        "Redis memory: 100 MB used, no bound",
    ]


def test_clocks_are_compared_as_exactly_as_they_are_known() -> None:
    ahead = redis_facts(skew_seconds=2.5)
    behind = redis_facts(skew_seconds=-2.5)
    unclear = redis_facts(skew_seconds=2.5, round_trip_seconds=4.0)

    assert problems(list(judge_server(ahead))) == ["Redis' clock: 2.5 s ahead of this host's"]
    assert problems(list(judge_server(behind))) == ["Redis' clock: 2.5 s behind this host's"]
    assert problems(list(judge_server(unclear))) == []
