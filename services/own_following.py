"""One step of the alerter's own alerts: what they should be now, and the ledger that says so."""

from collections.abc import Mapping

import msgspec

from core.alerts import AlertKey, AlertState, Transition
from core.universe import Universe
from services.alert_ledger import Ledger, advanced
from services.alert_messages import Annotations
from services.alerter_orders import Orders
from services.alertmanager import Fleet
from services.drill import drill_at
from services.escalations import LOOK_AHEAD_NS, candidates, escalations
from services.own_alerts import Wanted, own_changes
from services.storms import capped, summaries

_OVER = "Over: what it told of has ended."


class OwnAlerts:
    """What one term knows of its own alerts: their newest texts.

    Attributes
    ----------
    texts : dict[AlertKey, Annotations]    of those that should fire, as of the last step
    """

    def __init__(self, orders: Orders, fleet: Fleet) -> None:
        self.texts: dict[AlertKey, Annotations] = {}
        self._orders = orders
        self._fleet = fleet

    def followed(
        self,
        ledger: Ledger,
        universe: Universe,
        *,
        texts: Mapping[AlertKey, Annotations],
        before: int,
        now_ns: int,
    ) -> Ledger:
        """Return the ledger of an evaluation after this step.

        ``texts`` are the newest of all alerts, ``before`` is the sequence of the ledger before
        the evaluation, ``now_ns`` host time.
        """
        orders = self._orders
        ledger = capped(ledger, orders.storm_cap, before=before, now_ns=now_ns)
        wanted = {
            **drill_at(now_ns, orders.drill_lead_ns, universe),
            **summaries(ledger, cap=orders.storm_cap, now_ns=now_ns),
            **self._escalations(ledger, texts, now_ns),
        }
        self.texts = {
            key: {
                **one.texts,
                "runbook_url": orders.links.runbook(key),
                "rules": orders.rules.digest,
            }
            for key, one in wanted.items()
        }
        changes = own_changes(ledger, wanted)
        if not wanted and not changes:
            return ledger
        states = {key: one.state for key, one in wanted.items()}
        after = advanced(
            ledger, states, changes, now_ns=now_ns, tell=self._tell, tell_end=_tell_end
        )
        # What is pending is the rules' alone, and stands as the evaluation left it.
        return msgspec.structs.replace(after, pending=ledger.pending)

    def _escalations(
        self, ledger: Ledger, texts: Mapping[AlertKey, Annotations], now_ns: int
    ) -> dict[AlertKey, Wanted]:
        found = candidates(ledger, self._orders.rules.rules)
        if any(now_ns >= one.due_ns - LOOK_AHEAD_NS for one in found if not one.is_raised):
            self._fleet.look()

        def may_raise(key: AlertKey) -> bool:
            return self._fleet.may_escalate(key._asdict(), now_ns=now_ns)

        return escalations(found, now_ns=now_ns, may_raise=may_raise, texts=texts)

    def _tell(self, key: AlertKey, _state: AlertState, last: Annotations) -> Annotations:
        return self.texts.get(key, last)


def _tell_end(_transition: Transition, last: Annotations) -> Annotations:
    return {**last, "description": _OVER}
