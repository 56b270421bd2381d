"""Whole sessions: the published example by hand, and random paths against a slow oracle."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.sessions import NANOS_PER_SECOND
from core.thresholds import Level, Rule
from tests.support.judged import Judged, level, nanos, rule_of

EXAMPLE = rule_of(
    level("watch", 0.02, 0.015),
    level("warning", 0.05, 0.04, for_seconds=30),
    level("critical", 0.10, 0.08, for_seconds=10),
    after_open_ns=nanos(1_800),
    before_close_ns=nanos(21_600),
    minimum_hold_ns=nanos(300),
)
CLOSED = (23_400.0, "session_closed")

Path = Sequence[tuple[float, float]]
"""(seconds after the open, value from then on), ascending; NaN is unknown."""

Episode = tuple[str, str, float, float, str]
"""Severity, side, fires, resolves, reason."""


def driven(rule: Rule, path: Path, *, close_s: float) -> list[Episode]:
    """Judge at every event of the path, at every due time between, and at the close."""
    judged = Judged(rule, close_s=close_s)
    events = [*path, (close_s, math.nan)]
    for (now_s, value), (next_s, _) in pairwise(events):
        judged.at(now_s, value, as_of_s=now_s)
        due_s = judged.due_s(now_s, value)
        while due_s < next_s:
            judged.at(due_s, value, as_of_s=now_s)
            due_s = judged.due_s(due_s, value)
    judged.at(close_s, math.nan)
    assert judged.states == {}
    return episodes(judged)


def episodes(judged: Judged) -> list[Episode]:
    fires: dict[tuple[str, str], float] = {}
    found = []
    for severity, side, change, at_s, reason in judged.happened:
        if change == "firing":
            assert (severity, side) not in fires
            fires[severity, side] = at_s
        elif change == "resolved":
            found.append((severity, side, fires.pop((severity, side)), at_s, reason))
    assert fires == {}
    return sorted(found)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param(
            [
                (0, -0.0043667),
                (5_400, -0.0218333),
                (10_800, -0.0349333),
                (12_600, -0.0524),
                (14_400, -0.0457333),
                (19_800, -0.0632),
                (20_400, -0.0532),
                (23_398, -0.0619333),
            ],
            [("warning", "sell", 12_630, *CLOSED), ("watch", "sell", 5_400, *CLOSED)],
            id="ACME",
        ),
        pytest.param(
            [(0, 0.0036), (5_400, 0.054), (16_200, 0.1008), (21_600, 0.1062), (23_399, 0.108)],
            [
                ("critical", "buy", 16_210, *CLOSED),
                ("warning", "buy", 5_430, *CLOSED),
                ("watch", "buy", 5_400, *CLOSED),
            ],
            id="BOLT",
        ),
        pytest.param(
            [(0, -0.01), (14_400, -0.04), (23_399, -0.05)],
            [("watch", "sell", 14_400, *CLOSED)],
            id="000100",
        ),
    ],
)
def test_published_example(path: Path, expected: list[Episode]) -> None:
    assert driven(EXAMPLE, path, close_s=23_400) == expected


@dataclass
class Oracle:
    """One level and side, looked at every second, by the sentences of the public contract."""

    level: Level
    sign: float
    hold_s: int
    crossed_s: float | None = None
    fires_s: float | None = None
    below_s: float | None = None

    def look(self, now_s: int, value: float, *, event_s: float, active_s: int) -> float | None:
        """Return when it resolved, if it did."""
        size = self.sign * value
        if math.isnan(value) or now_s < active_s:
            return None
        if self.fires_s is None:
            self._wait(now_s, size, max(event_s, active_s))
            return None
        if size >= self.level.clear_at:
            self.below_s = None
            return None
        if self.below_s is None:
            self.below_s = event_s
        resolves_s = max(self.below_s, self.fires_s + self.hold_s)
        return resolves_s if now_s >= resolves_s else None

    def _wait(self, now_s: int, size: float, seen_s: float) -> None:
        if size < self.level.raise_at:
            self.crossed_s = None
            return
        if self.crossed_s is None:
            self.crossed_s = seen_s
        due_s = self.crossed_s + self.level.for_ns // NANOS_PER_SECOND
        if now_s >= due_s:
            self.fires_s, self.crossed_s = due_s, None


def every_second(rule: Rule, path: Path, *, close_s: int) -> list[Episode]:
    hold_s, active_s = (
        duration_ns // NANOS_PER_SECOND
        for duration_ns in (rule.minimum_hold_ns, rule.after_open_ns)
    )
    found: list[Episode] = []
    for each in rule.levels:
        for side, sign in (("buy", 1.0), ("sell", -1.0)):
            oracle = Oracle(each, sign, hold_s)
            for now_s in range(close_s):
                event_s, value = max((event for event in path if event[0] <= now_s), key=first)
                resolves_s = oracle.look(now_s, value, event_s=event_s, active_s=active_s)
                if resolves_s is not None and oracle.fires_s is not None:
                    found.append((each.name, side, oracle.fires_s, resolves_s, "cleared"))
                    oracle = Oracle(each, sign, hold_s)
            if oracle.fires_s is not None:
                found.append((each.name, side, oracle.fires_s, close_s, "session_closed"))
    return sorted(found)


def first(event: tuple[float, float]) -> float:
    return event[0]


@st.composite
def paths(draw: st.DrawFn) -> Path:
    times = sorted(draw(st.sets(st.integers(1, 119), max_size=12)))
    values = st.sampled_from([0.0, 0.5, 1.0, 1.4, 2.0, -0.5, -1.0, -2.5, math.nan])
    return [(0, draw(values)), *((time_s, draw(values)) for time_s in times)]


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    seconds = st.integers(0, 40)
    return rule_of(
        level("watch", 1.0, draw(st.sampled_from([0.4, 1.0])), draw(seconds)),
        level("critical", 2.0, draw(st.sampled_from([1.0, 1.5])), draw(seconds)),
        after_open_ns=nanos(draw(seconds)),
        minimum_hold_ns=nanos(draw(seconds)),
    )


@given(rules(), paths())
def test_events_and_due_times_alone_give_what_every_second_gives(rule: Rule, path: Path) -> None:
    assert driven(rule, path, close_s=120) == every_second(rule, path, close_s=120)
