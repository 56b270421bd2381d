"""What is sent when: the events of a market in the order of their arrival, and what is bad."""

from dataclasses import dataclass

import numpy as np

from core.columns import Int64s
from tests.support.chaos_market import ChaosMarket, Flows, Prices


@dataclass(frozen=True)
class BadRecord:
    """A record that cannot be used, or not wholly.

    ``rows`` are the rows that a dead letter each is due for, with its reason; ``good`` is how
    many of its events are applied all the same.
    """

    arrival_ns: int
    topic: str
    partition: int
    value: bytes
    rows: tuple[tuple[int, str], ...]
    good: int = 0


@dataclass(frozen=True, eq=False)
class Script:
    """A market's events, ascending in arrival.

    ``price_arrival_ns``, ``flow_arrival_ns`` int64[n] are market times too: what arrives up to a
    mark is sent before the heartbeat of that mark. ``lateness_ns`` is how far heartbeats stay
    behind, so that what arrives out of order was not yet said to have been sent.
    """

    market: ChaosMarket
    prices: Prices
    price_arrival_ns: Int64s
    flows: Flows
    flow_arrival_ns: Int64s
    bad: tuple[BadRecord, ...] = ()
    lateness_ns: int = 0

    def until(self, mark_ns: int) -> tuple[Prices, Flows]:
        """Return what has arrived by a mark, in ascending event time."""
        prices = self.prices.at(self.price_arrival_ns <= mark_ns)
        flows = self.flows.at(self.flow_arrival_ns <= mark_ns)
        return (
            prices.at(np.argsort(prices.event_ns, kind="stable")),
            flows.at(np.argsort(flows.event_ns, kind="stable")),
        )


def plain_script(market: ChaosMarket) -> Script:
    """Send everything once, in the order of event times."""
    prices, flows = market.prices, market.flows
    return Script(market, prices, prices.event_ns, flows, flows.event_ns)
