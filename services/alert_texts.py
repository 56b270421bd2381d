"""Texts of alerts, as one view and one state of sight tell them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from core.alerts import AlertKey, AlertState, Phase, Transition, is_judged
from services.alert_figures import FigureReader, Figures, zone_of_subject
from services.alert_ledger import Episode
from services.alert_links import REPOSITORY, Links
from services.alert_messages import Annotations, Telling, annotations, resolved_annotations
from services.alert_words import clock
from services.evaluation import Evaluator


@dataclass(frozen=True, eq=False)
class Teller:
    """Makes texts from the newest figures, and from the last texts where nothing is known.

    ``reader`` is None before the first view; ``last`` are the newest texts so far, by alert;
    ``now_ns`` is host time; ``blind`` says in words why nothing is known at all, else it is "";
    ``own`` are the newest texts of the alerter's own alerts.
    """

    evaluator: Evaluator
    reader: FigureReader | None
    last: Mapping[AlertKey, Annotations]
    now_ns: int
    blind: str = ""
    own: Mapping[AlertKey, Annotations] = field(default_factory=dict)
    links: Links = REPOSITORY

    def tell(self, key: AlertKey, state: AlertState, last: Annotations) -> Annotations:
        """Return the texts of an alert that fires; ``last`` counts where none are newer."""
        if not is_judged(key):
            return {**self.own.get(key, last), "runbook_url": self.links.runbook(key)}
        telling = self._telling(key, state)
        figures = telling.figures
        at_ns = state.as_of_ns if figures is None else figures.market_ns
        told = annotations(telling, self.last.get(key, last))
        return {**told, **self._links(telling, at_ns), "rules": self.evaluator.digest}

    def tell_end(self, transition: Transition, last: Annotations) -> Annotations:
        """Return the texts of a resolve."""
        key, at_ns = transition.key, transition.at_ns
        if not is_judged(key):
            ended = f"Resolved at {clock(at_ns, 'UTC')}."
            return {**last, "description": ended, "runbook_url": self.links.runbook(key)}
        telling = self._telling(key, transition.state)
        last = self.last.get(key, last)
        told = resolved_annotations(telling, last, transition.reason, at_ns=at_ns)
        # Those that fired it, where they are known.
        rules = last.get("rules", self.evaluator.digest)
        return {**told, **self._links(telling, at_ns), "rules": rules}

    def tell_all(self, episodes: Iterable[Episode]) -> dict[AlertKey, Annotations]:
        """Return the texts of all of these that fire."""
        return {one.key: self.tell(one.key, one.state, one.annotations) for one in episodes}

    def _telling(self, key: AlertKey, state: AlertState) -> Telling:
        rule, level = self.evaluator.rule_of(key)
        reader, unseen = self.reader, self.blind
        figures: Figures | None = None
        if reader is not None and rule is not None:
            figures = reader.of(key, rule)
            is_seen = figures is not None and state.phase is not Phase.UNKNOWN
            unseen = unseen or ("" if is_seen else reader.unseen(key, rule))
        zone = zone_of_subject(key.scope, key.symbol, self.evaluator.universe)
        return Telling(key, state, rule, level, figures, zone, unseen)

    def _links(self, telling: Telling, at_ns: int) -> Annotations:
        return self.links.of(
            telling.key,
            label=telling.state.label,
            time_ns=at_ns,
            zone=telling.zone,
            host_ns=self.now_ns,
        )
