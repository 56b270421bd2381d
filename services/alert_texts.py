"""Texts of alerts, as one view and one state of sight tell them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from core.alerts import AlertKey, AlertState, Transition, is_judged
from services.alert_figures import FigureReader, zone_of_subject
from services.alert_ledger import Episode
from services.alert_messages import Annotations, Telling, annotations, resolved_annotations
from services.evaluation import Evaluator


@dataclass(frozen=True, eq=False)
class Teller:
    """Makes texts from the newest figures, and from the last texts where nothing is known.

    ``reader`` is None before the first view; ``last`` are the newest texts so far, by alert;
    ``blind`` says in words why nothing is known at all, else it is ""; ``own`` are the newest
    texts of the alerter's own alerts.
    """

    evaluator: Evaluator
    reader: FigureReader | None
    last: Mapping[AlertKey, Annotations]
    blind: str = ""
    own: Mapping[AlertKey, Annotations] = field(default_factory=dict)

    def tell(self, key: AlertKey, state: AlertState, last: Annotations) -> Annotations:
        """Return the texts of an alert that fires; ``last`` counts where none are newer."""
        if not is_judged(key):
            return self.own.get(key, last)
        rule, level = self.evaluator.rule_of(key)
        reader = self.reader
        figures = reader.of(key, rule) if reader is not None and rule is not None else None
        telling = Telling(key, state, rule, level, figures, self.blind)
        texts = annotations(telling, self.last.get(key, last))
        return {**texts, "rules": self.evaluator.digest}

    def tell_end(self, transition: Transition, last: Annotations) -> Annotations:
        """Return the texts of a resolve."""
        key = transition.key
        return resolved_annotations(
            self.last.get(key, last),
            transition.reason,
            at_ns=transition.at_ns,
            zone=zone_of_subject(key.scope, key.symbol, self.evaluator.universe),
        )

    def tell_all(self, episodes: Iterable[Episode]) -> dict[AlertKey, Annotations]:
        """Return the texts of all of these that fire."""
        return {one.key: self.tell(one.key, one.state, one.annotations) for one in episodes}
