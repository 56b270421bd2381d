from services.findings import Verdict
from services.topic_states import TopicState
from services.topics_check import INSYNC, TopicFindings, judge_topics, shown
from streams.topics import DEAD_LETTERS, PRICES, TOPICS, UNIVERSE

SPECS = {spec.name: spec for spec in TOPICS}


def state(
    name: str, *, partitions: int = 0, copies: int = 3, insync: int = 2, **config: str
) -> TopicState:
    spec = SPECS[name]
    settings = {**spec.config, INSYNC: str(insync)}
    settings |= {key.replace("_", "."): text for key, text in config.items()}
    return TopicState("id", partitions or spec.partitions, copies, (), (), settings)


def judged(name: str, found: TopicState) -> TopicFindings:
    return judge_topics({f"x-{name}": found}, prefix="x-", specs=[SPECS[name]])


def test_topics_as_they_have_to_be_are_not_mentioned() -> None:
    states = {name: state(name) for name in SPECS}

    findings = judge_topics(states, prefix="", specs=TOPICS)

    assert (findings.findings, findings.configs) == ([], {})


def test_topics_that_are_missing_are_one_problem() -> None:
    one = judge_topics({}, prefix="x-", specs=[SPECS[PRICES]])
    both = judge_topics({}, prefix="x-", specs=[SPECS[PRICES], SPECS[UNIVERSE]])

    assert one.broken == ["topic x-prices: missing; forcedflow topics create makes what is missing"]
    assert both.broken == [
        "topics x-prices, x-universe: missing; forcedflow topics create makes what is missing"
    ]


def test_other_partitions_are_a_problem_only_where_something_depends_on_them() -> None:
    fewer = judged(PRICES, state(PRICES, partitions=6)).broken[0]

    assert fewer.startswith("topic x-prices: expected 12 partitions, it has 6")
    assert judged(UNIVERSE, state(UNIVERSE, partitions=2)).broken
    assert judged(DEAD_LETTERS, state(DEAD_LETTERS, partitions=2)).broken == []
    assert judged(DEAD_LETTERS, state(DEAD_LETTERS, partitions=2)).unlike


def test_a_setting_that_differs_is_a_note_and_can_be_set() -> None:
    findings = judged(PRICES, state(PRICES, retention_ms="86400000"))

    assert findings.broken == []
    assert findings.findings[0].found == (
        "expected retention.ms=604800000 (7 days), it was retention.ms=86400000 (1 day)"
    )
    assert findings.configs == {"x-prices": {"retention.ms": "604800000"}}


def test_a_cleanup_policy_may_list_its_words_in_any_order() -> None:
    assert judged("closes", state("closes", cleanup_policy="delete,compact")).findings == []


def test_three_copies_need_two_that_have_the_record() -> None:
    lax, strict = judged(PRICES, state(PRICES, insync=1)), judged(PRICES, state(PRICES, insync=3))

    assert (lax.broken, strict.broken) == ([], [])
    assert "may be lost" in lax.findings[0].means
    assert "takes no record" in strict.findings[0].means
    assert lax.configs == strict.configs == {"x-prices": {INSYNC: "2"}}


def test_more_copies_required_than_there_are_is_a_problem() -> None:
    findings = judged(PRICES, state(PRICES, copies=1, insync=2))

    assert findings.findings[0].verdict is Verdict.PROBLEM
    assert findings.configs == {"x-prices": {INSYNC: "1"}}


def test_one_copy_is_one_note_for_all_topics() -> None:
    states = {name: state(name, copies=1, insync=1) for name in SPECS}

    findings = judge_topics(states, prefix="", specs=TOPICS)

    assert [str(one) for one in findings.findings] == [
        "topics: one copy of every topic; with three brokers make them anew with --replication 3"
    ]


def test_settings_are_shown_as_people_read_them() -> None:
    assert shown("retention.ms", "-1") == "retention.ms=-1 (for ever)"
    assert shown("cleanup.policy", None) == "cleanup.policy unset"
