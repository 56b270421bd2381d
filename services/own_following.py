"""One step of the alerter's own alerts: what they should be now, and the ledger that says so."""

import msgspec

from core.alerts import AlertKey, AlertState, Transition
from core.universe import Universe
from services.alert_ledger import Ledger, advanced
from services.alert_messages import Annotations
from services.alerter_orders import Orders
from services.drill import drill_at
from services.own_alerts import own_changes
from services.storms import capped, summaries

_OVER = "Over: what it told of has ended."


class OwnAlerts:
    """What one term knows of its own alerts: their newest texts.

    Attributes
    ----------
    texts : dict[AlertKey, Annotations]    of those that should fire, as of the last step
    """

    def __init__(self, orders: Orders) -> None:
        self.texts: dict[AlertKey, Annotations] = {}
        self._orders = orders

    def followed(self, ledger: Ledger, universe: Universe, *, before: int, now_ns: int) -> Ledger:
        """Return the ledger of an evaluation after this step.

        ``before`` is the sequence of the ledger before the evaluation, ``now_ns`` host time.
        """
        cap = self._orders.storm_cap
        ledger = capped(ledger, cap, before=before)
        wanted = {
            **drill_at(now_ns, self._orders.drill_lead_ns, universe),
            **summaries(ledger, cap=cap, now_ns=now_ns),
        }
        rules = self._orders.rules.digest
        self.texts = {key: {**one.texts, "rules": rules} for key, one in wanted.items()}
        changes = own_changes(ledger, wanted)
        if not wanted and not changes:
            return ledger
        states = {key: one.state for key, one in wanted.items()}
        after = advanced(
            ledger, states, changes, now_ns=now_ns, tell=self._tell, tell_end=_tell_end
        )
        # What is pending is the rules' alone, and stands as the evaluation left it.
        return msgspec.structs.replace(after, pending=ledger.pending)

    def _tell(self, key: AlertKey, _state: AlertState, last: Annotations) -> Annotations:
        return self.texts.get(key, last)


def _tell_end(_transition: Transition, last: Annotations) -> Annotations:
    return {**last, "description": _OVER}
