"""Open interest of files as the columns of one book of the whole universe."""

import numpy as np

from core.book import Book
from core.contracts import OpenInterestColumns
from core.universe import Universe
from services.option_events import OpenInterestEvents
from streams.routes import option_targets


def interest_columns(
    universe: Universe, book: Book, events: OpenInterestEvents
) -> OpenInterestColumns:
    """Map levels onto a book that holds the whole universe, in ascending event time.

    Options on a listing are put in terms of its reference; those on what the universe does not
    know are left out.
    """
    targets = option_targets(universe)
    nowhere = (-1, 1.0)
    target = [targets.get(name, nowhere) for name in events.underlyings]
    reference = np.array([index for index, _ in target], np.int32)[events.underlying]
    factor = np.array([factor for _, factor in target], np.float64)[events.underlying]
    used = np.flatnonzero(reference >= 0)
    used = used[np.argsort(events.event_ns[used], kind="stable")]
    state = book.options.state
    roots = np.array([state.root_index(name) for name in events.roots], np.int32)
    sources = np.array([state.source_index(name) for name in events.sources], np.int32)
    stated = OpenInterestColumns(
        reference=reference[used],
        root=roots[events.root[used]],
        expiry=events.expiry[used],
        strike=events.strike[used],
        is_call=events.is_call[used],
        settlement_ns=events.settlement_ns[used],
        open_interest=events.open_interest[used],
        implied_volatility=events.implied_volatility[used],
        multiplier=events.multiplier[used],
        deliverable=events.deliverable[used],
        is_cash_settled=events.is_cash_settled[used],
        is_american=events.is_american[used],
        forward=events.forward[used],
        event_ns=events.event_ns[used],
        label=events.label[used],
        source=sources[events.source[used]],
        dealer_sign=events.dealer_sign[used],
    )
    return stated.in_terms_of_reference(factor[used])
