"""Sessions of bucket closes, played through a book: what the forecast said and what came of it."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from core.assembly import add_forecast, join_partials
from core.book import Book
from core.columns import Floats, Int64s, PriceColumns, View
from core.day import BUCKET_NS
from core.sessions import NO_SESSION, SessionTable
from core.universe import Universe
from tests.support.core_universe import Fund, Ref, core_universe

ASSETS_USD = 1e9
BREACH_RETURNS = (0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.06)
"""Moves since the previous close whose demand serves as a threshold."""


@dataclasses.dataclass(frozen=True, eq=False)
class Sessions:
    """``closes[d]`` float64[symbols, buckets of session d], NaN where a bucket has no price.

    ``before`` float64[symbols] is a close before the first session.
    """

    symbol: Sequence[str]
    table: SessionTable
    closes: Sequence[Floats]
    before: Floats

    def universe(self) -> Universe:
        """Return one fund of leverage factor 2 a symbol, and no stated volatility."""
        label = int(self.table.label[0])
        references = [
            Ref(symbol, stated=[(NO_SESSION, float(close))], daily_volatility=float("nan"))
            for symbol, close in zip(self.symbol, self.before, strict=True)
        ]
        funds = [Fund(f"{each}2", each, [(label, ASSETS_USD, 2.0)]) for each in self.symbol]
        universe = core_universe(references, funds)
        return dataclasses.replace(universe, schedules=(self.table,))


@dataclasses.dataclass(frozen=True, eq=False)
class Scores:
    """One entry a symbol, session and checkpoint.

    ``symbol``, ``session`` int64; ``checkpoint`` str; ``variance`` as forecast;
    ``outcome`` the log return from then to the close; ``inside`` whether the demand at the close
    lay inside its published band; ``stated`` and ``breached`` float64[m, thresholds].
    """

    symbol: Int64s
    session: Int64s
    checkpoint: np.ndarray[tuple[int], np.dtype[np.str_]]
    elapsed: Floats
    bucket: Int64s
    variance: Floats
    outcome: Floats
    inside: Floats
    stated: Floats
    breached: Floats


def score(
    sessions: Sessions, checkpoints: Mapping[int, Mapping[str, int]], *, first: int
) -> Scores:
    """Play all sessions through one book and score those from `first` on.

    ``checkpoints`` names, by the number of a session's buckets, how many of them have closed.
    """
    universe = sessions.universe()
    book = Book(universe, np.arange(len(sessions.symbol), dtype=np.int32))
    book.source_index("evidence")
    pieces = []
    for number, closes in enumerate(sessions.closes):
        stops = checkpoints[closes.shape[1]] if number >= first else {}
        pieces += _play(book, universe, sessions.table, closes, number=number, stops=stops)
    joined = {
        field.name: np.concatenate([getattr(piece, field.name) for piece in pieces])
        for field in dataclasses.fields(Scores)
    }
    known = ~np.isnan(joined["variance"] + joined["outcome"])
    return Scores(**{name: column[known] for name, column in joined.items()})


def _play(
    book: Book,
    universe: Universe,
    table: SessionTable,
    closes: Floats,
    *,
    number: int,
    stops: Mapping[str, int],
) -> list[Scores]:
    open_ns, close_ns = int(table.open_ns[number]), int(table.close_ns[number])
    begun, seen = 0, []
    for name, bucket in stops.items():
        _apply(book, closes, open_ns, begin=begun, end=bucket)
        begun = bucket
        seen.append((name, bucket, _views(book, universe, open_ns + bucket * BUCKET_NS)))
    _apply(book, closes, open_ns, begin=begun, end=closes.shape[1])
    if not seen:
        return []
    _, at_close = _views(book, universe, close_ns)
    flow, price = at_close[0].numeric["forced_flow_usd"], at_close[0].numeric["price"]
    return [
        _scores(name, number, bucket, variance, views, flow=flow, price=price, of=closes.shape[1])
        for name, bucket, (variance, views) in seen
    ]


def _apply(book: Book, closes: Floats, open_ns: int, *, begin: int, end: int) -> None:
    row, bucket = np.nonzero(~np.isnan(closes[:, begin:end]))
    size = len(row)
    book.apply_prices(
        PriceColumns(
            reference=row.astype(np.int32),
            event_ns=open_ns + (begin + bucket + 1) * BUCKET_NS,
            price=closes[row, begin + bucket],
            sequence=np.zeros(size, np.int64),
            source=np.zeros(size, np.int32),
            official=np.zeros(size, np.bool_),
        )
    )


def _views(book: Book, universe: Universe, time_ns: int) -> tuple[Floats, list[View]]:
    """Return the variance to come and one view a threshold."""
    partial = book.partial(market_ns=time_ns)
    views = []
    for move in BREACH_RETURNS:
        view = join_partials(universe, [partial])
        threshold = partial.weight_usd * move
        add_forecast(view, partial, (threshold, np.full(len(threshold), np.nan)))
        views.append(view)
    return partial.variance, views


def _scores(
    name: str,
    number: int,
    bucket: int,
    variance: Floats,
    views: list[View],
    *,
    flow: Floats,
    price: Floats,
    of: int,
) -> Scores:
    size, now = len(variance), views[0].numeric
    inside = (now["forced_flow_lower_usd"] <= flow) & (flow <= now["forced_flow_upper_usd"])
    thresholds = np.stack([view.numeric["breach_threshold_usd"] for view in views], axis=1)
    return Scores(
        symbol=np.arange(size),
        session=np.full(size, number, np.int64),
        checkpoint=np.full(size, name),
        elapsed=np.full(size, bucket / of),
        bucket=np.full(size, bucket, np.int64),
        variance=variance,
        outcome=np.log(price / now["price"]),
        inside=inside.astype(np.float64),
        stated=np.stack([view.numeric["breach_probability"] for view in views], axis=1),
        breached=(np.abs(flow)[:, np.newaxis] >= thresholds).astype(np.float64),
    )
