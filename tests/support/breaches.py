"""Breaches that begin and end at given moments, a fault meanwhile, and what the pager was told.

A breach ends, and the next of its symbol begins, only once the pager knows of the change before:
Alertmanager tells nothing of what comes and goes while it is away, and where it is killed before it
has written down that it told a firing, nothing of the resolve either.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from tests.support.alert_looks import AlertLooks
from tests.support.webhook_recorder import Notice, WebhookRecorder

SYMBOLS = ("ACME", "BOLT", "CAKE", "DELL", "EAST", "FORD", "GOLD", "PROBE")
PROBE = SYMBOLS[-1]
"""Breaches at the moment of the fault: when it is shown, pages go on."""
TOLD_SECONDS = 90.0
"""Longest wait for what is due, on a machine that has other things to do."""
_STEP_SECONDS = 0.02


class Signal(Protocol):
    """Lets a symbol breach, or go back to where nothing is to be said of it."""

    def __call__(self, symbol: str, *, breaches: bool) -> None:
        """Have it so from now on."""
        ...


class Breach(NamedTuple):
    """What one symbol shall do, in seconds of the run; it ends later if it was not told."""

    symbol: str
    begins: float
    ends: float


class Fault(NamedTuple):
    """What breaks at a moment of the run, and what mends it so many seconds later, if anything."""

    at: float
    strike: Callable[[], None]
    heals_after: float = 0.0
    heal: Callable[[], None] = lambda: None


@dataclass
class Played:
    """When the fault struck and was mended, and when the first page after it was shown."""

    struck_at: float = np.inf
    healed_at: float = np.inf
    resumed_at: float = np.inf


def breaches_around(at: float, random: np.random.Generator) -> list[Breach]:
    """Return a breach of each symbol: one begins and one ends while the fault strikes.

    Others begin or end before, during and after it.
    """
    acme, bolt, cake, dell, *others = SYMBOLS[:-1]
    since = random.uniform(0.0, 0.3, 3)
    return [
        Breach(acme, since[0], at + random.uniform(0.1, 1.0)),
        Breach(bolt, since[1], at + random.uniform(2.5, 5.0)),
        Breach(cake, at - random.uniform(0.0, 0.25), at + random.uniform(2.0, 6.0)),
        Breach(dell, since[2], at - random.uniform(0.0, 0.25)),
        *(
            Breach(symbol, begins, begins + random.uniform(2.0, 5.0))
            for symbol, begins in zip(others, random.uniform(0.0, at + 2.0, 3), strict=True)
        ),
        Breach(PROBE, at, at + 2.0),
    ]


class _Course:
    """One breach on its way: not begun, begun, ended."""

    def __init__(self, breach: Breach) -> None:
        self.breach = breach
        self.has_begun = self.has_ended = False


class Breaches:
    """Plays breaches and faults, one run after the other, and holds the pager to all of them.

    Attributes
    ----------
    episodes : Counter[str]     how many were played of each symbol
    """

    def __init__(self, signal: Signal, pager: WebhookRecorder, looks: AlertLooks) -> None:
        self.episodes: Counter[str] = Counter()
        self._signal = signal
        self._pager = pager
        self._looks = looks

    def play(self, breaches: Iterable[Breach], fault: Fault) -> Played:
        """Play a run to its end; return once the pager was told all of it."""
        courses = [_Course(breach) for breach in breaches]
        played = Played()
        began = time.monotonic()
        while played.healed_at == np.inf or self._waiting(courses):
            seconds = time.monotonic() - began
            assert seconds < TOLD_SECONDS, f"not told of {self._waiting(courses)}"
            self._break(fault, played, seconds)
            for course in courses:
                self._go_on(course, played, seconds)
            time.sleep(_STEP_SECONDS)
        deadline = time.monotonic() + TOLD_SECONDS
        while self.missing() and time.monotonic() < deadline:
            time.sleep(_STEP_SECONDS)
        self.check()
        return played

    def missing(self) -> dict[str, list[Notice]]:
        """Return the symbols of which the pager was not told everything, with all it was told."""
        return {
            symbol: self._pager.pages(symbol=symbol)
            for symbol, count in self.episodes.items()
            if self._changes(symbol) != 2 * count
        }

    def misdated(self) -> int:
        """Return how many episodes were told to end under the start of the one before.

        An old push that is heard after a newer one may say of an alert that fires again that it has
        ended: Alertmanager then tells no end of its own. Who sends is frozen in the middle of it
        and wakes up once another has gone on, or who hears is.
        """
        keys = {notice.key for notice in self._notices()}
        return sum(
            key[2] == "firing" and (key[0], key[1], "resolved", key[3]) not in keys for key in keys
        )

    def duplicates(self) -> int:
        """Return how many notices were told again; fails if one was told more than twice."""
        times = Counter(notice.key for notice in self._notices())
        assert max(times.values(), default=1) <= 2, times.most_common(1)
        return sum(times.values()) - len(times)

    def check(self) -> None:
        """Hold the pager to what was played: each episode has its start, from fire to resolve."""
        assert not self.missing(), self.missing()
        starts: dict[str, set[str]] = defaultdict(set)
        for notice in self._notices():
            starts[notice.labels["symbol"]].add(notice.starts_at)
        assert {symbol: len(each) for symbol, each in starts.items()} == dict(self.episodes)
        self.duplicates()

    def _notices(self) -> list[Notice]:
        """Return what was told of these symbols: the service also tells of itself."""
        return [each for each in self._pager.notices if each.labels.get("symbol") in SYMBOLS]

    def _break(self, fault: Fault, played: Played, seconds: float) -> None:
        now = time.monotonic()
        if played.struck_at == np.inf and seconds >= fault.at:
            fault.strike()
            played.struck_at = now
        if played.healed_at == np.inf and seconds >= fault.at + fault.heals_after:
            fault.heal()
            played.healed_at = now
        if played.resumed_at == np.inf and self.episodes[PROBE]:
            seen = self._looks.first_seen(PROBE, played.struck_at)
            played.resumed_at = np.inf if seen is None else seen

    def _go_on(self, course: _Course, played: Played, seconds: float) -> None:
        symbol = course.breach.symbol
        if not course.has_begun:
            if seconds >= course.breach.begins:
                self._signal(symbol, breaches=True)
                self.episodes[symbol] += 1
                course.has_begun = True
        elif (
            not course.has_ended and seconds >= course.breach.ends and self._is_told(symbol, played)
        ):
            self._signal(symbol, breaches=False)
            course.has_ended = True

    def _is_told(self, symbol: str, played: Played) -> bool:
        """Say whether the pager knows that a symbol fires, and Alertmanager that it does."""
        if self._changes(symbol) < 2 * self.episodes[symbol] - 1:
            return False
        written_at = self._looks.written_after(self._first_told(symbol))
        if written_at > played.struck_at:
            written_at = self._looks.written_after(played.resumed_at)
        return time.monotonic() >= written_at

    def _changes(self, symbol: str) -> int:
        """Return how many beginnings and ends the pager knows of."""
        pages = self._pager.pages(symbol=symbol)
        starts = {each.starts_at for each in pages if each.status == "firing"}
        return 2 * len(starts) - (bool(pages) and pages[-1].status == "firing")

    def _first_told(self, symbol: str) -> float:
        """Return when the pager was first told that a symbol fires as it does now."""
        pages = self._pager.pages(symbol=symbol)
        return next(each.at for each in pages if each.key == pages[-1].key)

    def _waiting(self, courses: Iterable[_Course]) -> list[str]:
        return [course.breach.symbol for course in courses if not course.has_ended]
