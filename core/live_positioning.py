"""The positioning of a book's rows, live, beside what their past sessions have left behind."""

from dataclasses import dataclass

import numpy as np

from core.book import Book
from core.columns import Floats, Int64s
from core.positioning import FIGURES, HISTORY_SESSIONS
from core.sessions import NO_SESSION

_COUNTS = [FIGURES.index(name) for name in ("call_open_interest", "put_open_interest")]


@dataclass(frozen=True, eq=False)
class PositioningRows:
    """The rows of some book that have open interest, one entry a row.

    Attributes
    ----------
    symbol : tuple[str, ...]
    label, market_ns : int64[n]     session and market time that the figures are of
    as_of_ns : int64[n]             newest event of its open interest that counts
    figures : float64[n, 6]         `core.positioning.FIGURES`, NaN = unknown
    coverage : float64[n]           share of the open interest that could be priced, NaN = unknown
    interest_label : int64[n]       session the newest open interest is of
    interest_age : float64[n]       sessions from that to ``label``, NaN = unknown
    history_label : int64[n, HISTORY_SESSIONS]      the sessions before, ascending, ``NO_SESSION``
                                    where there are no more
    history : float64[n, HISTORY_SESSIONS, 6]       what was left behind in them, NaN = unknown;
                                    counted in the contracts that a split since has made of each
    """

    symbol: tuple[str, ...]
    label: Int64s
    market_ns: Int64s
    as_of_ns: Int64s
    figures: Floats
    coverage: Floats
    interest_label: Int64s
    interest_age: Floats
    history_label: Int64s
    history: Floats


def due_rows(book: Book) -> Int64s:
    """Return the rows whose positioning is to be made anew, the most urgent first.

    A row without any price, of now or of its previous close, has none.
    """
    targets = book.options.targets
    known = book.options.has_contracts & (targets.label != NO_SESSION)
    spot = _spot(book)
    known &= ~np.isnan(spot) & (book.standing.label == targets.label)
    return book.options.positioning.due(
        targets.label,
        np.minimum(targets.market_ns, targets.close_ns),
        spot,
        is_last=targets.market_ns >= targets.close_ns,
        can_be_made=known,
    )


def make(book: Book, row: int) -> None:
    """Make one row's positioning anew, and remember it as that of its session.

    Cost: a pass over the row's contracts. What is made last in a session is what its result says.
    """
    options = book.options
    options.make_positioning(row, float(_spot(book)[row]))
    made = options.positioning
    recorded = book.day(int(made.label[row])).recorded
    recorded.note_positioning(np.array([row]), made.figures[[row]])


def positioning_rows(book: Book) -> PositioningRows:
    """Return what is known of the rows with open interest.

    Those that were not made yet for their session have no figures, but an age.
    """
    options, calendar = book.options, book.calendar
    targets, made = options.targets, options.positioning
    rows = np.flatnonzero(options.has_contracts & (targets.label != NO_SESSION))
    is_current = made.label[rows] == targets.label[rows]
    label, interest = targets.label[rows], options.interest_labels()[rows]
    history_label = calendar.labels_before(targets.label, HISTORY_SESSIONS)[rows]
    has_interest = interest != NO_SESSION
    age = np.full(len(rows), np.nan)
    for each in np.unique(label).tolist():
        here = np.flatnonzero(has_interest & (label == each))
        age[here] = calendar.ages(each, interest[here], rows[here].astype(np.int32))
    return PositioningRows(
        symbol=tuple(book.symbols[row] for row in rows.tolist()),
        label=label,
        market_ns=targets.market_ns[rows],
        as_of_ns=options.as_of_ns()[rows],
        figures=np.where(is_current[:, np.newaxis], made.figures[rows], np.nan),
        coverage=options.priced_share()[rows],
        interest_label=interest,
        interest_age=age,
        history_label=history_label,
        history=_history(book, rows, history_label),
    )


def _history(book: Book, rows: Int64s, label: Int64s) -> Floats:
    history = np.full((*label.shape, len(FIGURES)), np.nan)
    for each in np.unique(label[label != NO_SESSION]).tolist():
        day = book.days.get(each)
        if day is not None and day.recorded.positioning is not None:
            at, session = np.nonzero(label == each)
            history[at, session] = day.recorded.positioning[rows[at]]
    state = book.options.state
    for place in np.flatnonzero(state.since[rows] != NO_SESSION).tolist():
        row = int(rows[place])
        many = state.splits.contracts_since(row, label[place], int(state.since[row]))
        history[place][:, _COUNTS] *= many[:, np.newaxis]
    return history


def _spot(book: Book) -> Floats:
    return np.where(np.isnan(book.price), book.options.targets.previous_close, book.price)
