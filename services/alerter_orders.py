"""What an alerter is told to do, the same for every term."""

from dataclasses import dataclass

from services.alert_links import REPOSITORY, Links
from services.heartbeat import Pulse
from services.rules_in_force import RulesInForce


@dataclass(frozen=True)
class Orders:
    """The rules, and what the alerter does besides.

    ``pulse`` is told of evaluations; ``drill_lead_ns`` is how long before a day's first open the
    drill begins, 0 for none; ``has_heartbeat`` is whether the heartbeat is pushed; ``links`` is
    what its pages point to; ``storm_cap`` is how many alerts of a rule, a side and a severity are
    sent.
    """

    rules: RulesInForce
    pulse: Pulse
    drill_lead_ns: int = 0
    has_heartbeat: bool = False
    links: Links = REPOSITORY
    storm_cap: int = 25
