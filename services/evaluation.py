"""One evaluation of the whole market: partials in, view, states and transitions out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.alerts import AlertKey, AlertState, Transition, levels_of
from core.assembly import assemble
from core.columns import Partial, View
from core.lifecycle import step, withdraw
from core.readings import read
from core.thresholds import Level, Rule, breach_levels
from core.universe import Universe


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The view with its ``level`` set, all live states, and what changed, in order."""

    view: View
    states: dict[AlertKey, AlertState]
    transitions: tuple[Transition, ...]


class Evaluator:
    """The rules over one universe; it remembers nothing from one evaluation to the next.

    ``digest`` is the short hash of the file that the rules come from.
    """

    def __init__(self, universe: Universe, rules: Sequence[Rule], digest: str) -> None:
        self.universe = universe
        self.digest = digest
        self._rules = {rule.name: rule for rule in rules}
        self._breach = breach_levels(rules, universe)

    def evaluate(
        self,
        partials: Sequence[Partial | None],
        states: Mapping[AlertKey, AlertState],
        *,
        oldest_beat_ns: int,
        newest_beat_ns: int,
    ) -> Evaluation:
        """Assemble the view and take every rule one step on from `states`.

        States that no rule can judge any more are withdrawn: a rule, a level or a symbol may be
        gone since they were written down. Both beats are host time, as `assemble` has them.
        """
        view = assemble(
            self.universe,
            partials,
            self._breach,
            oldest_beat_ns=oldest_beat_ns,
            newest_beat_ns=newest_beat_ns,
        )
        kept, transitions = withdraw(self._rules.values(), self.universe, states)
        after: dict[AlertKey, AlertState] = {}
        for rule in self._rules.values():
            mine = {key: state for key, state in kept.items() if key.family == rule.name}
            stepped, happened = step(rule, read(rule, view, self.universe), mine)
            after |= stepped
            transitions += happened
        view.numeric["level"] = levels_of(after, self.universe)
        return Evaluation(view, after, tuple(transitions))

    def rule_of(self, key: AlertKey) -> tuple[Rule | None, Level | None]:
        """Return the rule and level of an alert, None for each that is gone."""
        rule = self._rules.get(key.family)
        levels = rule.levels if rule is not None else ()
        return rule, next((level for level in levels if level.name == key.severity), None)
