"""What a page says: whole pages as they reach a phone, and what must hold for any of them."""

import math
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.alerts import AlertKey, Phase, Reason
from core.sessions import NO_TIME
from core.thresholds import Level, Rule
from services.alert_figures import Breakdown, Figures
from services.alert_messages import Telling, annotations, host_time_text, resolved_annotations
from tests.support.alert_samples import CLOSE_NS, key, state

MINUTE_NS = 60 * 10**9
ZONE = "America/New_York"
WATCH = Level("watch", 0.02, 0.015)
RULE = Rule("forced-flow", "adv_ratio", "symbol", (WATCH,))
FIGURES = Figures(
    forced_flow_usd=-1.24e9,
    auction_ratio=-0.0982,
    seconds_to_cutoff=42 * 60.0 + 59.0,
    seconds_to_close=52 * 60.0 + 59.0,
    forced_flow_lower_usd=-1.61e9,
    forced_flow_upper_usd=-920e6,
    breach_threshold_usd=1e9,
    breach_probability=0.834,
    leveraged_usd=-1.2e9,
    creation_usd=-40e6,
    adv_usd=41.3e9,
    auction_usd=12.6e9,
    coverage=1.0,
    market_ns=CLOSE_NS - 52 * MINUTE_NS,
    as_of_ns=CLOSE_NS - 53 * MINUTE_NS,
    zone=ZONE,
    breakdown=Breakdown(
        "Funds",
        (("ACMU", -800e6), ("ACMT", -300e6), ("ACMS", -60e6)),
        others=4,
        others_usd=-40e6,
        gross_usd=1.2e9,
    ),
)
TELLING = Telling(key(), state(), RULE, WATCH, FIGURES, ZONE)
ROOM_RULE = Rule("room-flow", "auction_ratio", "room", (Level("critical", 0.1, 0.08),))
UNKNOWN = math.nan


def room_telling() -> Telling:
    names = ("NVDA", "AMD", "AVGO", "MU", "TSM")
    figures = replace(
        FIGURES,
        forced_flow_usd=-3.2e9,
        auction_ratio=-0.121,
        seconds_to_cutoff=0.0,
        seconds_to_close=432.0,
        forced_flow_lower_usd=UNKNOWN,
        forced_flow_upper_usd=UNKNOWN,
        breach_threshold_usd=UNKNOWN,
        breach_probability=UNKNOWN,
        leveraged_usd=UNKNOWN,
        creation_usd=UNKNOWN,
        adv_usd=UNKNOWN,
        auction_usd=UNKNOWN,
        coverage=UNKNOWN,
        zone="UTC",
        breakdown=Breakdown(
            "Members",
            tuple(zip(names, (-2e9, -9e8, -4e8, 3e8, -2e8), strict=True)),
            others=0,
            gross_usd=3.8e9,
        ),
        stale=("left out as unknown: INTC", "assets or open interest too old of MU"),
    )
    room = AlertKey("RoomFlowCritical", "critical", "room-flow", "sell", "room", "ai-chips")
    value = replace(state(value=-0.121), peak=-0.15)
    return Telling(room, value, ROOM_RULE, ROOM_RULE.levels[0], figures, "UTC")


def test_the_page_of_a_symbol() -> None:
    assert annotations(TELLING, {}) == {
        "summary": ("SELL ACME $1.24bn: 9.82 % of the closing auction, 42 min to the cut-off"),
        "description": (
            "SELL $1.24bn forced at the close (16:00:00 EDT), as known at 15:08:00 EDT.\n"
            "At the close SELL $920m to $1.61bn (90 % band)."
            " Probability 83 % of at least $1bn.\n"
            "Leveraged funds SELL $1.2bn, creations SELL $40m.\n"
            "Funds: ACMU SELL $800m (67 %), ACMT SELL $300m (25 %), ACMS SELL $60m (5 %),"
            " 4 others SELL $40m (3 %).\n"
            "Rule forced-flow: SELL 3 % of ADV, watch from 2 % of ADV.\n"
            "Resolves below 1.5 % of ADV ($620m); at the latest at the close.\n"
            "No input is stale.\n"
            "Newest input 15:07:00 EDT; assets stated for this session cover 100 % of the exposure."
        ),
        "data_as_of": "2026-06-23T15:07:00-04:00",
    }


def test_the_page_of_a_room() -> None:
    assert annotations(room_telling(), {}) == {
        "summary": (
            "SELL room ai-chips $3.2bn (NVDA, AMD, AVGO +2): 12.1 % of the closing auction,"
            " past the cut-off, 7 min to the close"
        ),
        "description": (
            "SELL $3.2bn forced at the close (20:00:00 UTC), as known at 19:08:00 UTC.\n"
            "Members: NVDA SELL $2bn (53 %), AMD SELL $900m (24 %), AVGO SELL $400m (11 %),"
            " MU BUY $300m (8 %), TSM SELL $200m (5 %).\n"
            "Rule room-flow: SELL 12.1 % of the closing auction, critical from 10 % of the"
            " closing auction.\n"
            "Resolves below 8 % of the closing auction; at the latest at the close.\n"
            "Stale: left out as unknown: INTC; assets or open interest too old of MU.\n"
            "Newest input 19:07:00 UTC."
        ),
        "data_as_of": "2026-06-23T19:07:00+00:00",
    }


def test_the_page_of_what_is_stale() -> None:
    stale = replace(
        FIGURES,
        stale=(
            "assets of ACMU stated for 2026-06-17, 3 sessions ago, 2 more funds' are old",
            "open interest is of an earlier session",
        ),
        coverage=0.31,
    )

    told = annotations(replace(TELLING, figures=stale), {})

    assert told["summary"] == annotations(TELLING, {})["summary"]
    assert told["description"].endswith(
        "Stale: assets of ACMU stated for 2026-06-17, 3 sessions ago, 2 more funds' are old;"
        " open interest is of an earlier session.\n"
        "Newest input 15:07:00 EDT; assets stated for this session cover 31 % of the exposure."
    )


def test_the_page_of_what_is_unknown() -> None:
    last = annotations(TELLING, {})
    silent = "the price feed of ACME is silent, its market time stands at 15:08:00 EDT"

    told = annotations(replace(TELLING, state=state(Phase.UNKNOWN), unseen=silent), last)

    assert told == {
        "summary": "State unknown: SELL ACME $1.24bn: 9.82 % of the closing auction",
        "description": (
            "State unknown: the price feed of ACME is silent, its market time stands at"
            " 15:08:00 EDT.\n"
            "Last known SELL 3 % of ADV at 15:00:00 EDT, at its peak SELL 3 % of ADV.\n"
            "The alert stays until data return or its session closes at 16:00:00 EDT."
        ),
        "data_as_of": "2026-06-23T15:07:00-04:00",
    }


def test_the_page_of_what_has_cleared() -> None:
    now = replace(state(value=-0.0142), peak=-0.0731, as_of_ns=CLOSE_NS - 29 * MINUTE_NS)
    last = annotations(TELLING, {})

    told = resolved_annotations(
        replace(TELLING, state=now), last, Reason.CLEARED, at_ns=CLOSE_NS - 28 * MINUTE_NS
    )

    assert told == {
        "summary": "SELL ACME: back below 1.5 % of ADV",
        "description": (
            "Resolved at 15:32:00 EDT market time: the measure came back below its clear bound.\n"
            "Last known SELL 1.42 % of ADV at 15:31:00 EDT, at its peak SELL 7.31 % of ADV."
        ),
        "data_as_of": "2026-06-23T15:07:00-04:00",
    }


def test_the_page_of_a_session_that_closed() -> None:
    told = resolved_annotations(TELLING, {}, Reason.SESSION_CLOSED, at_ns=CLOSE_NS)

    assert told["summary"] == "SELL ACME: session closed 16:00:00 EDT"
    assert told["description"].startswith(
        "Resolved at 16:00:00 EDT market time: its session closed.\n"
    )
    assert told["data_as_of"] == "2026-06-23T15:00:00-04:00"


def test_the_page_of_a_rule_that_is_gone() -> None:
    gone = replace(TELLING, rule=None, level=None, figures=None)

    told = resolved_annotations(gone, {}, Reason.WITHDRAWN, at_ns=CLOSE_NS)

    assert told["summary"] == "SELL ACME: withdrawn"
    assert "the rules or the universe no longer have it" in told["description"]


def test_the_dealers_share_is_told_where_it_counts() -> None:
    figures = replace(FIGURES, forced_flow_usd=-1.3e9)

    told = annotations(replace(TELLING, figures=figures), {})["description"]

    assert "Leveraged funds SELL $1.2bn, creations SELL $40m, dealers SELL $60m.\n" in told


def test_a_hold_that_still_runs_is_named() -> None:
    early = replace(FIGURES, market_ns=state().hold_until_ns - 1)

    told = annotations(replace(TELLING, figures=early), {})["description"]
    assert "below 1.5 % of ADV ($620m), not before 15:05:00 EDT;" in told


def test_a_flow_that_has_turned_is_told_as_it_is_now() -> None:
    turned = replace(FIGURES, forced_flow_usd=12e6)

    assert annotations(replace(TELLING, figures=turned), {})["summary"].startswith(
        "SELL ACME, now BUY $12m: "
    )


def test_a_rule_on_something_else_than_the_forced_flow_quotes_that() -> None:
    hedge = Rule("hedge", "dealer_hedge_usd", "symbol", (Level("watch", 4e8, 3e8),))

    told = annotations(
        replace(TELLING, rule=hedge, level=hedge.levels[0], state=state(value=-5e8)), {}
    )

    assert told["summary"] == "SELL ACME $500m of dealer hedge: 42 min to the cut-off"
    assert "Rule hedge: SELL $500m of dealer hedge, watch from $400m." in told["description"]


def test_a_probability_has_no_side_of_its_own() -> None:
    odds = Rule("odds", "breach_probability", "symbol", (Level("watch", 0.8, 0.7),))
    buy = AlertKey("OddsWatch", "watch", "odds", "buy", "symbol", "ACME")

    told = annotations(
        replace(TELLING, key=buy, rule=odds, level=odds.levels[0], state=state(value=0.9)), {}
    )

    assert told["summary"].startswith("SELL ACME $1.24bn: ")
    assert "Rule odds: 90 % breach probability, watch from 80 %." in told["description"]


@pytest.mark.parametrize(
    ("cutoff", "close", "words"),
    [
        (59.4, 659.4, "59 s to the cut-off"),
        (59.9, 659.9, "59 s to the cut-off"),
        (119.9, 719.0, "1 min to the cut-off"),
        (21_000.0, 21_600.0, "5 h 50 min to the cut-off"),
        (0.0, 300.0, "past the cut-off, 5 min to the close"),
        (0.0, 0.0, "past the cut-off"),
        (math.nan, math.nan, "time to the cut-off unknown"),
    ],
)
def test_the_time_left_is_told_to_the_end_and_dropped_once_unknown(
    cutoff: float, close: float, words: str
) -> None:
    figures = replace(FIGURES, seconds_to_cutoff=cutoff, seconds_to_close=close)
    told = annotations(replace(TELLING, figures=figures), {})

    assert told["summary"].endswith(words)
    assert annotations(replace(TELLING, figures=None), told)["summary"] == (
        "State unknown: SELL ACME $1.24bn: 9.82 % of the closing auction"
    )


def test_what_is_not_known_is_left_out() -> None:
    bare = replace(
        FIGURES,
        auction_ratio=math.nan,
        forced_flow_lower_usd=math.nan,
        forced_flow_upper_usd=math.nan,
        breach_probability=math.nan,
        creation_usd=math.nan,
        adv_usd=math.nan,
    )

    told = annotations(replace(TELLING, figures=bare), {})
    assert told["summary"] == "SELL ACME $1.24bn: 42 min to the cut-off"
    assert "band" not in told["description"]
    assert "Probability" not in told["description"]
    assert "creations unknown" in told["description"]
    assert "nan" not in "".join(told.values())


@pytest.mark.parametrize(
    "telling",
    [
        replace(TELLING, figures=None),
        replace(TELLING, state=state(Phase.UNKNOWN)),
        replace(TELLING, unseen="Redis is unreachable"),
    ],
)
def test_an_unknown_state_is_said_over_the_last_known_figures_however_often(
    telling: Telling,
) -> None:
    last = annotations(TELLING, {})

    told = annotations(telling, last)
    assert told["summary"].startswith("State unknown: SELL ACME $1.24bn")
    assert told["description"].startswith("State unknown: ")
    assert told["data_as_of"] == last["data_as_of"]
    assert annotations(telling, told) == told


def test_being_blind_is_named_as_the_reason() -> None:
    told = annotations(replace(TELLING, unseen="Redis is unreachable"), {})

    assert "State unknown: Redis is unreachable." in told["description"]
    assert told["summary"] == "State unknown: SELL ACME"


CAUSAL = re.compile(
    r"\b(because|due to|caus\w*|driven by|result(s|ed)? (of|in|from)|therefore|hence|leads? to|"
    r"trigger\w*|thanks to|owing to|why)\b",
    re.IGNORECASE,
)
ANY_USD = st.floats(-1e13, 1e13) | st.just(math.nan)
ANY_SHARE = st.floats(-50.0, 50.0) | st.just(math.nan)


@st.composite
def tellings(draw: st.DrawFn) -> Telling:
    name = draw(st.text("ACME-ÄΩ", min_size=1, max_size=60))
    scope = draw(st.sampled_from(["symbol", "room", "venue", "market"]))
    measure = draw(
        st.sampled_from(["adv_ratio", "forced_flow_usd", "leveraged_rebalance_usd", "coverage"])
    )
    rule = Rule("r" * draw(st.integers(1, 40)), measure, scope, (WATCH,))
    parts = draw(st.lists(st.tuples(st.just(name), st.floats(1.0, 1e12)), max_size=6))
    figures = replace(
        FIGURES,
        forced_flow_usd=draw(ANY_USD),
        auction_ratio=draw(ANY_SHARE),
        forced_flow_lower_usd=draw(ANY_USD),
        forced_flow_upper_usd=draw(ANY_USD),
        seconds_to_cutoff=draw(st.floats(0.0, 1e5) | st.just(math.nan)),
        leveraged_usd=draw(ANY_USD),
        as_of_ns=draw(st.sampled_from([FIGURES.as_of_ns, NO_TIME])),
        breakdown=Breakdown("Members", tuple(parts), 3, -1e6, sum(usd for _, usd in parts) + 1e6),
        stale=(f"left out as unknown: {', '.join([name[:24]] * 5)} and 99 more",) * 2,
    )
    alert = key()._replace(symbol=name, scope=scope, side=draw(st.sampled_from(["buy", "sell"])))
    seen = draw(st.sampled_from([figures, None]))
    found = state(value=draw(st.floats(-1e13, 1e13)))
    return Telling(alert, found, rule, WATCH, seen, ZONE)


@given(tellings())
def test_any_page_fits_its_receivers_and_claims_no_cause(telling: Telling) -> None:
    fired = annotations(telling, {})
    pages = [fired, annotations(replace(telling, figures=None), fired)]
    pages += [
        resolved_annotations(telling, fired, reason, at_ns=CLOSE_NS)
        for reason in (Reason.CLEARED, Reason.SESSION_CLOSED, Reason.WITHDRAWN)
    ]

    for page in pages:
        assert page.keys() == fired.keys() == {"summary", "description", "data_as_of"}
        assert len(page["summary"]) <= 120
        assert "\n" not in page["summary"]
        # PagerDuty takes 1024 characters of a summary, Telegram 4096 of a message.
        assert len(page["description"]) <= 1500
        told = " ".join(page.values())
        assert not CAUSAL.search(told)
        assert "nan" not in told.replace("unknown", "")
        assert "e+" not in told


def test_host_times_are_utc_to_the_millisecond() -> None:
    assert host_time_text(1_790_000_000_000_000_000) == "2026-09-21T14:13:20.000Z"
    assert host_time_text(1_790_000_000_123_999_999) == "2026-09-21T14:13:20.123Z"
