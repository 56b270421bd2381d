"""Rules judged in event time: which alerts a replay would have fired, and when they ended."""

from dataclasses import dataclass

from core.alerts import AlertKey, AlertState, Change, Transition, levels_of
from core.assembly import FORECAST_COLUMNS
from core.columns import View
from core.lifecycle import next_due_ns, step
from core.quiet import stays
from core.readings import Readings, read
from core.sessions import NANOS_PER_SECOND, NEVER_NS
from core.thresholds import Rule, breach_levels
from core.universe import Universe
from services.rows import Value, time_text

EPISODE_COLUMNS = (
    "alertname",
    "severity",
    "family",
    "side",
    "scope",
    "symbol",
    "fires_at",
    "resolves_at",
    "reason",
)


@dataclass(frozen=True)
class Episode:
    """One alert from its firing to its end, in market time."""

    key: AlertKey
    fires_ns: int
    resolves_ns: int
    reason: str


class OfflineAlerts:
    """The rules, their live states and the episodes that have ended."""

    def __init__(self, rules: tuple[Rule, ...], universe: Universe) -> None:
        self.rules = rules
        self._universe = universe
        self._states: dict[str, dict[AlertKey, AlertState]] = {rule.name: {} for rule in rules}
        self._readings: dict[str, Readings] = {}
        self._firing_since: dict[AlertKey, int] = {}
        self.reads_forecast = any(rule.measure in FORECAST_COLUMNS for rule in rules)
        self.breach = breach_levels(rules, universe)
        self.episodes: list[Episode] = []

    def judge(self, view: View) -> None:
        """Step every rule with what the view says now."""
        for rule in self.rules:
            readings = read(rule, view, self._universe)
            states, transitions = step(rule, readings, self._states[rule.name])
            self._states[rule.name] = states
            self._readings[rule.name] = readings
            for transition in transitions:
                self._note(transition)

    def _note(self, transition: Transition) -> None:
        key = transition.key
        if transition.change is Change.FIRING:
            self._firing_since[key] = transition.at_ns
        elif transition.change is Change.RESOLVED:
            since = self._firing_since.pop(key)
            self.episodes.append(Episode(key, since, transition.at_ns, transition.reason))

    def changes_ns(self) -> int:
        """Return when a rule may next change by itself, ``NEVER_NS`` if none does."""
        return min(
            (
                next_due_ns(rule, self._readings[rule.name], self._states[rule.name])
                for rule in self.rules
                if rule.name in self._readings
            ),
            default=NEVER_NS,
        )

    def stays(self, low: View, high: View) -> bool:
        """Return whether nothing between two views changes any alert, as `core.quiet` says."""
        return all(
            stays(
                rule,
                read(rule, low, self._universe),
                read(rule, high, self._universe),
                self._states[rule.name],
            )
            for rule in self.rules
        )

    def due_ns(self, *, after_ns: int) -> int:
        """Return the first whole second after a time at which a rule may change by itself."""
        due = self.changes_ns()
        if due >= NEVER_NS:
            return NEVER_NS
        second = -(-max(due, after_ns + 1) // NANOS_PER_SECOND)
        return second * NANOS_PER_SECOND

    def set_levels(self, view: View) -> None:
        """Write the highest firing level of each reference into the view."""
        every = {key: state for states in self._states.values() for key, state in states.items()}
        view.numeric["level"] = levels_of(every, self._universe)

    def columns(self) -> dict[str, list[Value]]:
        """Return the episodes as the columns of the public contract, by subject, then time."""
        episodes = sorted(
            self.episodes, key=lambda e: (e.key.scope, e.key.symbol, e.fires_ns, e.key.severity)
        )
        rows = [self._row(episode) for episode in episodes]
        return {name: [row[name] for row in rows] for name in EPISODE_COLUMNS}

    def _row(self, episode: Episode) -> dict[str, Value]:
        zone = self._zone(episode.key)
        return {
            **episode.key._asdict(),
            "fires_at": time_text(episode.fires_ns, zone),
            "resolves_at": time_text(episode.resolves_ns, zone),
            "reason": episode.reason,
        }

    def _zone(self, key: AlertKey) -> str:
        if key.scope != "symbol":
            return "UTC"  # the members of a group may lie in several zones
        at = self._universe.symbol.index(key.symbol)
        return self._universe.schedules[int(self._universe.schedule[at])].zone
