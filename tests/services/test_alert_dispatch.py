from services.alert_dispatch import batch_of
from services.alert_ledger import Ledger, noted_sent
from services.alertmanager import Batch
from tests.support.alert_samples import HOST_NS, cleared, fired, happen, key

SECOND_NS = 10**9


def batch(ledger: Ledger, released: int) -> Batch:
    now_ns = HOST_NS + 10 * SECOND_NS
    return batch_of(
        ledger.episodes, released=released, now_ns=now_ns, texts={key(): {"summary": "now"}}
    )


def test_a_firing_has_its_labels_its_start_and_five_minutes_to_live() -> None:
    [alert] = batch(happen(Ledger(), fired()), 1).alerts

    assert alert.labels == {
        "alertname": "ForcedFlowWatch",
        "severity": "watch",
        "family": "forced-flow",
        "side": "sell",
        "scope": "symbol",
        "symbol": "ACME",
    }
    assert alert.annotations == {"summary": "now"}
    assert alert.starts_at == "2026-09-21T14:13:20.000Z"
    assert alert.ends_at == "2026-09-21T14:18:30.000Z"


def test_a_clock_that_was_set_back_gives_no_end_before_the_start() -> None:
    ledger = happen(Ledger(), fired(), now_ns=HOST_NS + 3600 * SECOND_NS)
    [alert] = batch(ledger, 1).alerts

    assert alert.starts_at == "2026-09-21T15:13:20.000Z"
    assert alert.ends_at == "2026-09-21T15:18:20.000Z"


def test_a_resolve_has_the_same_labels_and_start_and_its_own_end() -> None:
    ledger = happen(happen(Ledger(), fired()), cleared(), now_ns=HOST_NS + SECOND_NS)
    [resolve] = batch(ledger, 2).resolves
    alert, extended = resolve.ended, resolve.extended

    assert (extended.labels, extended.starts_at) == (alert.labels, alert.starts_at)
    assert extended.ends_at == "2026-09-21T14:18:30.000Z"
    assert alert.labels == batch(happen(Ledger(), fired()), 1).alerts[0].labels
    assert alert.starts_at == "2026-09-21T14:13:20.000Z"
    assert alert.ends_at == "2026-09-21T14:13:21.000Z"
    assert alert.annotations == {"summary": "firing", "description": "cleared"}


def test_a_firing_not_released_yet_is_not_sent() -> None:
    ledger = happen(Ledger(), fired(), fired("BOLT"))

    sent = batch(ledger, 1)
    assert [alert.labels["symbol"] for alert in sent.alerts] == ["ACME"]
    assert sent.sequence == 1


def test_a_resolve_not_released_yet_fires_on() -> None:
    ledger = happen(happen(Ledger(), fired()), cleared(), now_ns=HOST_NS + SECOND_NS)
    [alert] = batch(ledger, 1).alerts

    assert alert.ends_at == "2026-09-21T14:18:30.000Z"


def test_a_resolve_that_was_told_to_all_is_over_though_kafka_lacks_it() -> None:
    ledger = happen(happen(Ledger(), fired()), cleared(), now_ns=HOST_NS + SECOND_NS)
    told = noted_sent(ledger, 2, withheld=frozenset(), now_ns=HOST_NS + 2 * SECOND_NS)
    sent = batch(told, 1)

    assert sent.alerts == ()
    assert [(one.ended.ends_at, one.was_told) for one in sent.resolves] == [
        ("2026-09-21T14:13:21.000Z", True)
    ]


def test_an_episode_that_came_and_went_unreleased_is_not_sent() -> None:
    assert batch(happen(Ledger(), fired(), cleared()), 0).alerts == ()
