"""Positioning by symbol and room: what is joined, compared, and unknown."""

import math
from dataclasses import replace

import numpy as np
import pytest

from core.live_positioning import PositioningRows
from core.positioning import HISTORY_SESSIONS, MEASURES
from core.sessions import NO_SESSION
from services.positioning_table import COMPARED, Entry, positioning_entries
from streams.market_metrics import POSITIONING
from streams.topics import PARTITIONS, partition_of
from tests.support.core_universe import FIRST, Ref, at, core_universe

SYMBOLS = ("AAA", "BBB", "CCC")
UNIVERSE = replace(
    core_universe([Ref(symbol) for symbol in SYMBOLS]),
    rooms={"pair": np.array([0, 1], np.int32), "alone": np.array([2], np.int32)},
)
NOW = (100.0, 300.0, -0.02, 0.5, 0.25, 10.0)
LABEL = FIRST + 70
BEFORE = np.arange(LABEL - HISTORY_SESSIONS, LABEL)


def rows(
    symbol: str,
    *,
    now: tuple[float, ...] = NOW,
    puts: list[float] | None = None,
    labels: np.ndarray | None = None,
    age: float = 0.0,
) -> PositioningRows:
    """Return one underlying whose past is ``now`` but for the puts, one number a session."""
    before = BEFORE if labels is None else labels
    history = np.full((1, HISTORY_SESSIONS, 6), np.nan)
    if puts is not None:
        history[0, HISTORY_SESSIONS - len(puts) :] = now
        history[0, HISTORY_SESSIONS - len(puts) :, 1] = puts
    return PositioningRows(
        symbol=(symbol,),
        label=np.array([LABEL]),
        market_ns=np.array([at(70, 2.0)]),
        as_of_ns=np.array([at(70, -1.0)]),
        figures=np.array([now]),
        coverage=np.array([0.5]),
        interest_label=np.array([LABEL - int(age)]),
        interest_age=np.array([age]),
        history_label=before[np.newaxis],
        history=history,
    )


NOTHING = PositioningRows(
    symbol=(),
    label=np.empty(0, np.int64),
    market_ns=np.empty(0, np.int64),
    as_of_ns=np.empty(0, np.int64),
    figures=np.empty((0, 6)),
    coverage=np.empty(0),
    interest_label=np.empty(0, np.int64),
    interest_age=np.empty(0),
    history_label=np.empty((0, HISTORY_SESSIONS), np.int64),
    history=np.empty((0, HISTORY_SESSIONS, 6)),
)


def entries(*found: PositioningRows, lost: str = "") -> dict[tuple[object, object], Entry]:
    by_partition: list[PositioningRows | None] = [NOTHING] * PARTITIONS
    for each in found:
        by_partition[partition_of(each.symbol[0])] = each
    if lost:
        by_partition[partition_of(lost)] = None
    return {
        (entry["scope"], entry["symbol"]): entry
        for entry in positioning_entries(by_partition, UNIVERSE)
    }


def test_the_symbols_of_this_test_lie_on_partitions_of_their_own() -> None:
    assert len({partition_of(symbol) for symbol in SYMBOLS}) == len(SYMBOLS)


def test_an_entry_says_level_change_and_distance_from_the_past() -> None:
    # Puts of 100 and 200 in turn: ratios 1 and 2, deviation sqrt(20 / 19) / 2, now 3 after 2.
    entry = entries(rows("AAA", puts=[100.0, 200.0] * 10))["symbol", "AAA"]

    assert entry["put_call_open_interest"] == 3.0
    assert entry["put_call_open_interest_change"] == 1.0
    assert entry["put_call_open_interest_z_score"] == pytest.approx(
        1.5 / (0.5 * math.sqrt(20.0 / 19.0))
    )
    # Only 19 changes lie between 20 sessions.
    assert entry["put_call_open_interest_change_z_score"] is None
    assert entry["open_interest_contracts"] == 400.0
    assert entry["risk_reversal_25d_30d"] == -0.02
    # What never moved has no z-score, but a change.
    assert entry["risk_reversal_25d_30d_change"] == 0.0
    assert entry["risk_reversal_25d_30d_z_score"] is None
    assert entry["open_interest_concentration"] == 0.5


def test_too_short_a_past_is_unknown_never_zero() -> None:
    short = entries(rows("AAA", puts=[100.0, 200.0] * 9))["symbol", "AAA"]
    none = entries(rows("AAA"))["symbol", "AAA"]

    assert short["put_call_open_interest_z_score"] is None
    assert short["put_call_open_interest_change"] == 1.0
    for measure in MEASURES:
        assert none[measure] is not None
        assert [none[f"{measure}_{name}"] for name in COMPARED] == [None] * len(COMPARED)


def test_an_entry_says_of_when_it_is_and_how_old_its_open_interest() -> None:
    entry = entries(rows("AAA", age=2.0))["symbol", "AAA"]

    assert (entry["session"], entry["open_interest_session"]) == ("2024-12-13", "2024-12-11")
    assert (entry["open_interest_age_sessions"], entry["stale"]) == (2.0, True)
    assert entry["open_interest_coverage"] == 0.5
    assert entry["event_time"] == "2024-12-13T12:00:00+00:00"
    assert entry["as_of"] == "2024-12-13T09:00:00+00:00"


def test_a_room_joins_its_members_of_now_and_of_every_session_before() -> None:
    other = (300.0, 100.0, 0.02, 0.5, 0.25, 30.0)
    found = entries(
        rows("AAA", puts=[100.0, 200.0] * 11), rows("BBB", now=other, puts=[0.0, 200.0] * 11)
    )

    room = found["room", "pair"]

    # 400 puts and calls; before 100 and 400 puts in turn.
    assert room["put_call_open_interest"] == 1.0
    assert room["put_call_open_interest_change"] == 0.0
    assert room["put_call_open_interest_z_score"] == pytest.approx(
        (1.0 - 0.625) / (0.375 * math.sqrt(22.0 / 21.0))
    )
    # Weighted by gamma, 10 and 30.
    assert room["risk_reversal_25d_30d"] == pytest.approx(0.01)
    assert room["open_interest_concentration"] == pytest.approx(2 * 0.5**2 * 0.5)
    assert (room["members"], room["unknown"]) == (2, 0)
    assert ("room", "alone") not in found


def test_a_member_without_options_does_not_count_and_one_that_is_lost_hides_the_room() -> None:
    mine = rows("AAA", puts=[100.0, 200.0] * 11)
    alone = entries(mine)["room", "pair"]
    hidden = entries(mine, lost="BBB")["room", "pair"]

    assert (alone["members"], alone["put_call_open_interest"]) == (1, 3.0)
    assert (hidden["members"], hidden["unknown"]) == (1, 1)
    assert hidden["put_call_open_interest"] is None
    assert hidden["put_call_open_interest_z_score"] is None


def test_a_member_that_is_not_made_yet_leaves_the_room_unknown() -> None:
    unmade = rows("BBB", now=(math.nan,) * 6)

    found = entries(rows("AAA"), unmade)

    assert found["room", "pair"]["risk_reversal_25d_30d"] is None
    assert found["room", "pair"]["open_interest_contracts"] is None
    assert found["symbol", "AAA"]["risk_reversal_25d_30d"] == -0.02


def test_a_room_has_a_past_only_in_sessions_that_all_members_know() -> None:
    found = entries(rows("AAA", puts=[100.0, 200.0] * 11), rows("BBB", puts=[100.0, 200.0] * 9))

    assert found["room", "pair"]["put_call_open_interest_z_score"] is None
    assert found["room", "pair"]["put_call_open_interest_change"] == pytest.approx(1.0)


def test_members_of_other_calendars_meet_in_their_common_sessions() -> None:
    # BBB had no session two days ago, nor 29 further ones; its last is the same.
    sparse = np.append(np.arange(LABEL - 31 - 59, LABEL - 31), LABEL - 1)
    whole = rows("AAA", puts=[100.0] * 59 + [200.0])
    found = entries(whole, rows("BBB", puts=[100.0] * 59 + [200.0], labels=sparse))
    missing = np.append(sparse[1:-1], [LABEL - 3, LABEL - 2])
    late = entries(whole, rows("BBB", puts=[100.0] * 60, labels=missing))

    # 29 and 1 common sessions: ratio 1, and 2 at last; now 3.
    values = np.array([1.0] * 29 + [2.0])
    expected = (3.0 - values.mean()) / values.std(ddof=1)
    assert found["room", "pair"]["put_call_open_interest_z_score"] == pytest.approx(expected)
    assert found["room", "pair"]["put_call_open_interest_change"] == pytest.approx(1.0)
    assert late["room", "pair"]["put_call_open_interest_change"] is None


def test_the_first_sessions_of_a_schedule_have_no_past() -> None:
    none = np.full(HISTORY_SESSIONS, NO_SESSION)
    found = entries(rows("AAA", labels=none), rows("BBB"))

    assert found["room", "pair"]["put_call_open_interest"] == 3.0
    assert found["room", "pair"]["put_call_open_interest_change"] is None


def test_every_metric_of_positioning_is_a_key_of_an_entry() -> None:
    entry = entries(rows("AAA"))["symbol", "AAA"]

    names = {metric.name.removeprefix("forcedflow_") for metric in POSITIONING}
    assert names <= entry.keys()
    assert {key for key, value in entry.items() if isinstance(value, float)} <= names


def test_help_says_sign_and_unit() -> None:
    help_of = {metric.name: metric.help for metric in POSITIONING}

    wording = help_of["forcedflow_risk_reversal_25d_30d"]
    assert "call less that of the 25-delta put" in wording
    assert "below 0 the put is dearer" in wording
    assert "contracts" in help_of["forcedflow_open_interest_contracts"]
