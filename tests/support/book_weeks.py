"""Made-up weeks of events over rows of three schedules, for states that have to survive."""

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from core.book import Book
from core.columns import PriceColumns
from core.sessions import NO_SESSION
from tests.support.book_events import FlowEvent, PriceEvent, flows, prices
from tests.support.core_universe import FIRST, Fund, Ref, at, core_universe

WEEK = core_universe(
    [Ref("AAA"), Ref("BBB"), Ref("NNN", schedule="NIGHT"), Ref("RRR", schedule="ROUND")],
    [
        Fund("UP2", "AAA", [(FIRST, 8e8, 2.0)]),
        Fund("DN1", "AAA", [(FIRST + 1, 2e8, -1.0)]),
        Fund("UP3", "BBB", [(FIRST, 5e8, 3.0)]),
        Fund("NUP", "NNN", [(FIRST, 1e8, 2.0)]),
        Fund("RUP", "RRR", [(FIRST, 3e8, 2.0)]),
    ],
    factors=[("BBB", FIRST + 2, 0.5)],
)
SCHEDULES = ("DAY", "DAY", "NIGHT", "ROUND")
SESSIONS = 5
LATEST = at(SESSIONS, 0.5)

Event = tuple[str, PriceEvent, float] | tuple[str, FlowEvent, float]
"""What kind it is, the event, and the volume so far of a price."""


@st.composite
def _price(draw: st.DrawFn) -> Event:
    row = draw(st.integers(0, 3))
    session = draw(st.integers(0, SESSIONS - 1))
    hour = draw(st.sampled_from([0.0, 0.05, 0.5, 2.0, 2.01, 4.0, 5.8, 5.99, 6.0, 6.2]))
    event = (
        row,
        at(session, hour, SCHEDULES[row]),
        draw(st.sampled_from([90.0, 99.5, 100.0, 101.0, 130.0])),
        draw(st.integers(0, 2)),
        draw(st.sampled_from(["a", "b"])),
        draw(st.integers(0, 9)) == 0,
    )
    return "price", event, draw(st.sampled_from([0.0, 100.0, 250.0]))


@st.composite
def _flow(draw: st.DrawFn) -> Event:
    session = draw(st.integers(0, SESSIONS - 1))
    label = draw(st.sampled_from([NO_SESSION, FIRST + session]))
    hour = draw(st.sampled_from([0.5, 3.0, 20.0]))
    amount = draw(st.sampled_from([-4e6, 0.0, 5e6]))
    event = (draw(st.integers(0, 4)), at(session, hour), label, amount, 0, "f")
    return "flow", event, 0.0


EVENTS = st.lists(_price() | _price() | _flow(), max_size=60)


def feed(book: Book, events: Sequence[Event]) -> None:
    """Apply events one by one."""
    for kind, event, volume in events:
        if kind == "flow":
            book.apply_flows(flows(book, [event]))  # type: ignore[list-item]
        else:
            columns = prices(book, [event])  # type: ignore[list-item]
            book.apply_prices(
                PriceColumns(**{**vars(columns), "volume": np.array([volume]) if volume else None})
            )
