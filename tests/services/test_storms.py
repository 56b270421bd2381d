"""Storms: who is sent, who is only told of, and that nobody is sent and taken back."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from core.alerts import AlertKey, Change, Reason, Transition
from services.alert_dispatch import batch_of
from services.alert_ledger import Ledger, advanced
from services.storms import HOLD_NS, summaries
from services.storms import capped as capped_at
from tests.support.alert_samples import HOST_NS, cleared, happen, key, state
from tests.support.alerter_scene import Scene
from tests.support.alerter_world import LEVELS, RULE
from tests.support.recording_transport import Alert


def rises(alert: AlertKey, value: float) -> Transition:
    found = replace(state(), value=value, peak=value)
    return Transition(alert, Change.FIRING, found.fires_ns, Reason.NONE, found)


def storm(*sizes: float, cap: int, ledger: Ledger | None = None) -> Ledger:
    """Return the ledger after alerts S0, S1, … of these sizes fired at once."""
    before = ledger or Ledger()
    rising = [rises(key(f"S{number}"), -size) for number, size in enumerate(sizes)]
    return capped(happen(before, *rising), cap, before=before.sequence)


def capped(ledger: Ledger, cap: int, *, before: int) -> Ledger:
    return capped_at(ledger, cap, before=before, now_ns=HOST_NS)


def sent(ledger: Ledger) -> list[str]:
    batch = batch_of(ledger.episodes, released=ledger.sequence, now_ns=HOST_NS, texts={})
    return [alert.labels["symbol"] for alert in batch.alerts]


def test_the_largest_are_sent() -> None:
    assert sent(storm(0.02, 0.05, 0.03, 0.04, cap=2)) == ["S1", "S3"]


def test_a_storm_that_fits_is_sent_whole_and_summarised_by_nothing() -> None:
    ledger = storm(0.02, 0.05, cap=2)

    assert sent(ledger) == ["S0", "S1"]
    assert summaries(ledger, cap=2, now_ns=HOST_NS) == {}


def test_a_larger_one_that_comes_later_takes_nobodys_place() -> None:
    ledger = storm(0.02, 0.03, cap=2)
    after = capped(happen(ledger, rises(key("BIG"), -9.0)), 2, before=ledger.sequence)

    assert sent(after) == ["S0", "S1"]
    [(summary, wanted)] = summaries(after, cap=2, now_ns=HOST_NS).items()
    assert summary == key("others")._replace(alertname="ForcedFlowWatchOthers")
    assert wanted.texts["summary"] == (
        "SELL: 1 of 3 ForcedFlowWatch alerts are not sent one by one"
    )
    assert "largest first: BIG -9. They" in wanted.texts["description"]


def test_a_place_that_becomes_free_goes_to_the_largest_left_out() -> None:
    ledger = storm(0.05, 0.02, 0.03, cap=1)
    assert sent(ledger) == ["S0"]
    after = capped(happen(ledger, cleared("S0")), 1, before=ledger.sequence)

    assert sent(after) == ["S2"]
    batch = batch_of(after.episodes, released=after.sequence, now_ns=HOST_NS, texts={})
    assert [one.ended.labels["symbol"] for one in batch.resolves] == ["S0"]


def test_what_was_left_out_and_is_over_was_never_said() -> None:
    ledger = storm(0.05, 0.02, cap=1)
    after = capped(happen(ledger, cleared("S1")), 1, before=ledger.sequence)
    batch = batch_of(after.episodes, released=after.sequence, now_ns=HOST_NS, texts={})

    assert sent(after) == ["S0"]
    assert batch.resolves == ()


def test_sides_and_severities_have_places_of_their_own() -> None:
    ledger = happen(
        Ledger(),
        rises(key("A"), -0.1),
        rises(key("A", severity="critical"), -0.1),
        rises(key("B", side="buy"), 0.1),
    )

    assert len(sent(capped(ledger, 1, before=0))) == 3


def test_a_summary_names_forty_and_counts_the_rest() -> None:
    ledger = storm(*(0.02 + number / 1000 for number in range(60)), cap=10)
    [wanted] = summaries(ledger, cap=10, now_ns=HOST_NS).values()

    assert wanted.texts["summary"].startswith("SELL: 50 of 60 ")
    assert wanted.texts["description"].count("S") == 40
    assert " and 10 more. " in wanted.texts["description"]
    assert wanted.state.value == 50.0


def test_the_summary_stays_five_minutes_while_any_of_its_alerts_fires() -> None:
    ledger = storm(0.05, 0.02, cap=1)
    [(summary, wanted)] = summaries(ledger, cap=1, now_ns=HOST_NS).items()
    ledger = advanced(
        ledger,
        {},
        [Transition(summary, Change.FIRING, 0, Reason.NONE, wanted.state)],
        now_ns=HOST_NS,
        tell=lambda _key, _state, last: last,
        tell_end=lambda _end, last: last,
    )
    less = capped(happen(ledger, cleared("S1")), 1, before=ledger.sequence)
    [held] = summaries(less, cap=1, now_ns=HOST_NS + HOLD_NS - 1).values()
    assert "none now" in held.texts["description"]
    assert summaries(less, cap=1, now_ns=HOST_NS + HOLD_NS) == {}

    nothing = happen(less, cleared("S0"))
    assert summaries(nothing, cap=1, now_ns=HOST_NS + 1) == {}


@settings(max_examples=150)
@given(
    steps=st.lists(
        st.lists(st.tuples(st.integers(0, 9), st.floats(0.01, 1.0)), max_size=6), max_size=12
    ),
    cap=st.integers(1, 4),
)
def test_nobody_is_sent_and_taken_back(steps: list[list[tuple[int, float]]], cap: int) -> None:
    ledger = Ledger()
    for step in steps:
        firing = {one.key.symbol for one in ledger.firing()}
        told = set(sent(ledger))
        happening = {
            f"S{number}": cleared(f"S{number}")
            if f"S{number}" in firing
            else rises(key(f"S{number}"), -size)
            for number, size in step
        }
        after = capped(happen(ledger, *happening.values()), cap, before=ledger.sequence)
        still = {one.key.symbol for one in after.firing()}
        now = set(sent(after))
        assert now <= still
        assert told & (still - set(happening)) <= now
        assert len(now) == min(cap, len(still))
        ledger = after


def names(alerts: list[Alert]) -> list[tuple[str, str]]:
    return sorted((one["labels"]["alertname"], one["labels"]["symbol"]) for one in alerts)


async def test_a_storm_is_told_in_its_group_and_ends_with_it(scene: Scene) -> None:
    rule = replace(RULE, levels=LEVELS[:1])
    await scene.start(rule, orders={"storm_cap": 1})
    scene.market.trade(1.0, ACME=99.0, BOLT=98.0)
    alerts = await scene.tick()
    kept = ("ForcedFlowWatch", "BOLT")
    assert names(alerts) == [kept, ("ForcedFlowWatchOthers", "others")]
    assert {(one["labels"]["family"], one["labels"]["side"]) for one in alerts} == {
        ("forced-flow", "sell")
    }
    runbooks = {one["annotations"]["runbook_url"] for one in await scene.tick(6.0)}
    assert runbooks == {"docs/runbooks/ForcedFlowWatch.md"}
    assert scene.audit.changes() == [
        ("ACME", "watch", "firing"),
        ("BOLT", "watch", "firing"),
        ("others", "watch", "firing"),
    ]
    shown = {one["symbol"]: one["send_status"] for one in scene.market.view()["alerts"]}
    await scene.tick()
    shown = {one["symbol"]: one["send_status"] for one in scene.market.view()["alerts"]}
    assert shown == {"ACME": "left out", "BOLT": "sent", "others": "sent"}
    assert scene.gauge("alerts_active", severity="watch") == 2.0

    await scene.start(rule, orders={"storm_cap": 1})
    assert names(await scene.tick()) == [kept, ("ForcedFlowWatchOthers", "others")]

    scene.market.trade(2.0, ACME=97.0, BOLT=100.0)
    await scene.tick()
    ends = {one["labels"]["symbol"]: one["endsAt"] for one in await scene.tick()}
    assert ends["BOLT"] < min(ends["ACME"], ends["others"])

    scene.market.trade(3.0, ACME=100.0)
    await scene.tick()
    last = await scene.tick()
    assert len({one["endsAt"] for one in last if one["labels"]["symbol"] != "BOLT"}) == 1
    assert [one["state"] for one in scene.market.view()["alerts"]] == ["resolved"] * 3


async def test_a_rebuilt_ledger_is_capped_anew(scene: Scene) -> None:
    rule = replace(RULE, levels=LEVELS[:1])
    await scene.start(rule, orders={"storm_cap": 1})
    scene.market.trade(1.0, ACME=99.0, BOLT=98.0)
    await scene.tick()
    await scene.tick()
    scene.market.wipe()
    scene.market.publish()

    await scene.start(rule, orders={"storm_cap": 1})
    assert names(await scene.tick()) == [
        ("ForcedFlowWatch", "BOLT"),
        ("ForcedFlowWatchOthers", "others"),
    ]
