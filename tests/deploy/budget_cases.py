"""For each bound on an error budget: what makes it fire, and what nearly does."""

from collections.abc import Callable, Iterator

from services.health_budgets import BURNS, SEEN_SECONDS
from tests.deploy.health_cases import SHUT
from tests.deploy.healthy_service import ACTIVE, PEERS, ours
from tests.support.rule_tests import LENGTH, SCRAPE, Case, Series

_STOPS_AT = 60
_FIRST_BAD = {14.4: 55, 6.0: 130, 1.0: 25}
"""Seconds of badness, in whole scrapes, that are above each bound: 52 of an hour, 129.6 of six, and
of three days 21.6, since a window of days counts six hours at least."""


def _stopped(seconds: int) -> list[float]:
    """Return times that stand still for so long, then go on."""
    ends = _STOPS_AT + seconds
    return [float(_STOPS_AT if _STOPS_AT <= t < ends else t) for t in range(0, LENGTH + 1, SCRAPE)]


def _freshness(seconds: int) -> Series:
    stopped = _stopped(seconds + SEEN_SECONDS["freshness"])
    return {ours("last_evaluation_timestamp_seconds", ACTIVE): stopped}


def _delivery(seconds: int) -> Series:
    stopped = _stopped(seconds + SEEN_SECONDS["delivery"])
    return {ours("last_push_timestamp_seconds", ACTIVE, peer=peer): stopped for peer in PEERS}


def _cases(objective: str, missed: Callable[[int], Series]) -> Iterator[Case]:
    for times, long, _, _ in BURNS:
        bad = _FIRST_BAD[times]
        yield Case(
            f"ForcedFlow{objective.capitalize()}BudgetBurn",
            missed(LENGTH),
            {**missed(LENGTH), **SHUT} if times == min(_FIRST_BAD) else missed(bad - SCRAPE),
            _STOPS_AT + SEEN_SECONDS[objective] + bad,
            _summary(objective, bad, long),
            {"window": long},
            also=[
                ({"window": other}, _summary(objective, bad, other))
                for lower, other, _, _ in BURNS
                if other != long and _FIRST_BAD[lower] <= bad
            ],
        )


def _summary(objective: str, bad: int, long: str) -> str:
    samples = {"1h": 720, "6h": 4_320, "3d": 4_320}[long]
    rate = f"{bad / SCRAPE / samples / 0.001:.4g}"
    return f"The {objective} budget burns {rate} times too fast over {long}."


BUDGET_CASES = (*_cases("freshness", _freshness), *_cases("delivery", _delivery))
