import math
from dataclasses import replace

import pytest

from core.alerts import Phase, Reason
from core.thresholds import Level, Rule
from services.alert_figures import Figures
from services.alert_messages import Telling, annotations, host_time_text, resolved_annotations
from tests.support.alert_samples import CLOSE_NS, key, state

MINUTE_NS = 60 * 10**9
WATCH = Level("watch", 0.02, 0.015)
RULE = Rule("forced-flow", "adv_ratio", "symbol", (WATCH,))
FIGURES = Figures(
    forced_flow_usd=-1.24e9,
    auction_ratio=-0.0982,
    seconds_to_cutoff=42 * 60.0,
    forced_flow_lower_usd=-1.61e9,
    forced_flow_upper_usd=-920e6,
    breach_threshold_usd=1e9,
    breach_probability=0.834,
    market_ns=CLOSE_NS - 52 * MINUTE_NS,
    as_of_ns=CLOSE_NS - 53 * MINUTE_NS,
    zone="America/New_York",
)
TELLING = Telling(key(), state(), RULE, WATCH, FIGURES)


def test_the_summary_says_side_symbol_money_share_and_time_left() -> None:
    assert annotations(TELLING, {})["summary"] == (
        "SELL ACME: forced flow -$1.24bn, 9.82 % of the auction, 42 min to the cut-off"
    )


def test_the_description_says_the_band_the_odds_and_what_resolves_it() -> None:
    assert annotations(TELLING, {})["description"] == (
        "Forced flow -$1.24bn at 2026-06-23T15:08:00-04:00 market time."
        " At the close -$1.61bn to -$920m (5 to 95 %)."
        " Probability 83 % of at least $1bn at the close."
        " Rule forced-flow: adv_ratio is -0.03, watch from 0.02."
        " Resolves when its size is below 0.015;"
        " at the latest at the close, 2026-06-23T16:00:00-04:00."
    )


def test_the_newest_input_is_dated_at_the_venue() -> None:
    assert annotations(TELLING, {})["data_as_of"] == "2026-06-23T15:07:00-04:00"


def test_a_hold_that_still_runs_is_named() -> None:
    early = replace(FIGURES, market_ns=state().hold_until_ns - 1)

    told = annotations(replace(TELLING, figures=early), {})["description"]
    assert "below 0.015, not before 2026-06-23T15:05:00-04:00;" in told


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (59.4, "59 s to the cut-off"),
        (0.0, "past the cut-off"),
        (math.nan, "time to the cut-off unknown"),
    ],
)
def test_the_time_left_is_told_to_the_end(seconds: float, words: str) -> None:
    told = annotations(replace(TELLING, figures=replace(FIGURES, seconds_to_cutoff=seconds)), {})

    assert told["summary"].endswith(words)


def test_what_is_not_known_is_left_out() -> None:
    bare = replace(
        FIGURES,
        auction_ratio=math.nan,
        forced_flow_lower_usd=math.nan,
        forced_flow_upper_usd=math.nan,
        breach_probability=math.nan,
    )

    told = annotations(replace(TELLING, figures=bare), {})
    assert told["summary"] == "SELL ACME: forced flow -$1.24bn, 42 min to the cut-off"
    assert "At the close -" not in told["description"]
    assert "Probability" not in told["description"]
    assert "nan" not in "".join(told.values())


@pytest.mark.parametrize(
    "telling",
    [
        replace(TELLING, figures=None),
        replace(TELLING, state=state(Phase.UNKNOWN)),
        replace(TELLING, blind="Redis is unreachable"),
    ],
)
def test_an_unknown_state_is_said_in_words_over_the_last_known_figures(telling: Telling) -> None:
    last = annotations(TELLING, {})

    told = annotations(telling, last)
    assert told["summary"] == f"State unknown: {last['summary']}"
    assert told["description"].startswith("State unknown: ")
    assert "stays until data return or its session closes" in told["description"]
    assert told["data_as_of"] == last["data_as_of"]
    assert annotations(telling, told) == told


def test_being_blind_is_named_as_the_reason() -> None:
    told = annotations(replace(TELLING, blind="Redis is unreachable"), {})

    assert "State unknown: Redis is unreachable." in told["description"]
    assert told["summary"] == "State unknown: SELL ACME"


def test_a_resolve_says_why_and_when() -> None:
    last = annotations(TELLING, {})

    told = resolved_annotations(
        last, Reason.SESSION_CLOSED, at_ns=CLOSE_NS, zone="America/New_York"
    )
    assert told == {
        **last,
        "description": ("Resolved at 2026-06-23T16:00:00-04:00 market time: its session closed."),
    }


def test_a_resolve_no_longer_calls_the_state_unknown() -> None:
    last = annotations(replace(TELLING, figures=None), annotations(TELLING, {}))

    told = resolved_annotations(last, Reason.CLEARED, at_ns=CLOSE_NS, zone="UTC")
    assert told["summary"] == annotations(TELLING, {})["summary"]


def test_host_times_are_utc_to_the_millisecond() -> None:
    assert host_time_text(1_790_000_000_000_000_000) == "2026-09-21T14:13:20.000Z"
    assert host_time_text(1_790_000_000_123_999_999) == "2026-09-21T14:13:20.123Z"
