"""Reading sessions' results back: records of the topic ``closes`` into states of sessions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np

from core.book_state import EMPTY, FlowState, Names, PriceState, RecordedState
from core.columns import Floats, Int64s
from core.errors import BadInputError
from core.history import SessionCloses
from core.positioning import FIGURES
from core.slots import Candidates
from streams.closes import FORMAT, Figures, Path, Result, Won, digest
from streams.event_kinds import session_label, shown
from streams.rejects import Record, Reject
from streams.routes import MISROUTED

_result = msgspec.json.Decoder(Result)
_figures = msgspec.json.Decoder(Figures)
_path = msgspec.json.Decoder(Path)
_UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_MS_PER_DAY = 24 * 60 * 60 * 1000


@dataclass
class ReadResults:
    """What a batch of results holds: states with the names they refer to, and what is none."""

    states: list[tuple[Names, RecordedState]] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    unknown: int = 0


@dataclass(frozen=True)
class _Parsed:
    symbol: str
    label: int
    result: Result
    figures: Figures
    path: Path


def read_results(records: Sequence[Record], code_of: Mapping[str, int]) -> ReadResults:
    """Decode a batch; results of one session are put together.

    Parameters
    ----------
    code_of : mapping    the universe's names, `streams.routes.Routes.code_of` of the partition
    """
    read = ReadResults()
    sessions: dict[int, dict[str, _Parsed]] = {}
    for record in records:
        if record.value is None:
            # A result that an operator took back; what it had said stays as it was read.
            continue
        try:
            parsed = _parsed(record, code_of)
        except BadInputError as error:
            read.rejects.append(Reject.of(record, error))
            continue
        if parsed is None:
            read.unknown += 1
            continue
        session = sessions.setdefault(parsed.label, {})
        if parsed.symbol in session:
            # The earlier one counts too: its slots are offered first.
            read.states.append(_state(parsed.label, session))
            session.clear()
        session[parsed.symbol] = parsed
    read.states += [_state(label, sessions[label]) for label in sorted(sessions)]
    return read


def _parsed(record: Record, code_of: Mapping[str, int]) -> _Parsed | None:
    """Return one record's content, None where its symbol is outside the universe.

    Raises
    ------
    BadInputError
        If it is no result, or not of this partition.
    """
    try:
        result = _result.decode(record.value or b"")
        if result.format != FORMAT:
            raise BadInputError(
                "bad_format", f"expected a result of format {FORMAT}, it was {result.format}"
            )
        figures, path = _figures.decode(result.figures), _path.decode(result.path)
    except _UNDECODABLE as error:
        raise BadInputError("malformed", f"expected a session's result: {error}") from error
    _check(path)
    label = session_label(result.session)
    newest = record.timestamp // _MS_PER_DAY + 1
    if not 0 <= label <= newest:
        # The newest session decides which ones stay whole: one far ahead would end them all.
        raise BadInputError(
            "bad_session", f"expected a session that is over, it was {result.session}"
        )
    code = code_of.get(result.symbol)
    if code is None:
        return None
    if code == MISROUTED:
        raise BadInputError(
            "misrouted",
            f"expected symbol {shown(result.symbol)} on the partition of its reference, "
            "it was on another",
        )
    return _Parsed(result.symbol, label, result, figures, path)


def _check(path: Path) -> None:
    size = len(path.price)
    places = path.event_time or path.bucket
    lengths = {len(places)}
    if path.event_time:
        lengths |= {len(each) for each in (path.sequence, path.rank) if len(each) != 1}
    has_room = path.event_time or max(path.bucket, default=-1) < path.buckets
    if lengths != {size} or not has_room or min(path.bucket, default=0) < 0:
        raise BadInputError("bad_path", "expected the lists of a path to have one length")


def _state(label: int, session: Mapping[str, _Parsed]) -> tuple[Names, RecordedState]:
    parsed = list(session.values())
    funds = sorted({fund for one in parsed for fund in one.figures.later_creations})
    sources = sorted({source for one in parsed for source in one.figures.sources})
    names = Names(tuple(session), tuple(funds), tuple(sources))
    fund_at = {fund: number for number, fund in enumerate(funds)}
    source_at = {source: number for number, source in enumerate(sources)}
    pairs = [
        (row, source_at[source]) for row, one in enumerate(parsed) for source in one.figures.sources
    ]
    priced_row, priced_source = np.array(pairs, np.int64).reshape(-1, 2).T

    def of_rows(name: str) -> Candidates:
        return _candidates(
            [(row, won) for row, one in enumerate(parsed) if (won := getattr(one.figures, name))]
        )

    def of_funds(name: str) -> Candidates:
        return _candidates(
            [
                (fund_at[fund], won)
                for one in parsed
                for fund, won in getattr(one.figures, name).items()
                if fund in fund_at
            ]
        )

    prices = PriceState(
        label=label,
        trades=of_rows("close"),
        officials=of_rows("official_close"),
        volumes_before=of_rows("volume_before_last_half_hour"),
        volumes_within=of_rows("volume"),
        buckets=_buckets(parsed),
        priced_row=priced_row,
        priced_source=priced_source,
        closes=_closes(parsed),
    )
    return names, RecordedState(
        prices=prices,
        flows=FlowState(label, of_funds("creations"), of_funds("later_creations")),
        row=np.arange(len(parsed)),
        figures=_column([digest(bytes(one.result.figures)) for one in parsed]),
        path=_column([digest(bytes(one.result.path)) for one in parsed]),
        leveraged_usd=_known([one.result.leveraged_rebalance_usd for one in parsed]),
        creation_usd=_known([one.result.creation_redemption_usd for one in parsed]),
        positioning=np.array([_positioning(one.result) for one in parsed], np.float64),
    )


def _candidates(slots: Sequence[tuple[int, Won]]) -> Candidates:
    if not slots:
        return EMPTY
    return Candidates(
        slot=_column([slot for slot, _ in slots]),
        event_ns=_column([won.event_time for _, won in slots]),
        sequence=_column([won.sequence for _, won in slots]),
        rank=_column([won.rank for _, won in slots]),
        value=np.array([won.value for _, won in slots], np.float64),
    )


def _buckets(parsed: Sequence[_Parsed]) -> Candidates:
    """Return five-minute closes that came with their times; ``slot`` is the row."""
    timed = [(row, one.path) for row, one in enumerate(parsed) if one.path.event_time]
    if not timed:
        return EMPTY
    sizes = [len(path.price) for _, path in timed]
    return Candidates(
        slot=np.repeat(_column([row for row, _ in timed]), sizes),
        event_ns=np.concatenate([_column(path.event_time) for _, path in timed]),
        sequence=np.concatenate([_of_all(path.sequence, path) for _, path in timed]),
        rank=np.concatenate([_of_all(path.rank, path) for _, path in timed]),
        value=np.concatenate([np.array(path.price, np.float64) for _, path in timed]),
    )


def _closes(parsed: Sequence[_Parsed]) -> list[SessionCloses]:
    """Return five-minute closes that came without their times, by their number of buckets."""
    groups: dict[int, list[tuple[int, Path]]] = {}
    for row, one in enumerate(parsed):
        if one.path.bucket:
            groups.setdefault(one.path.buckets, []).append((row, one.path))
    found = []
    for buckets, rows in groups.items():
        closes = np.full((len(rows), buckets), np.nan)
        for at, (_, path) in enumerate(rows):
            closes[at, path.bucket] = path.price
        seconds: Floats = np.array([path.seconds for _, path in rows], np.float64)
        found.append(SessionCloses(_column([row for row, _ in rows]), seconds, closes))
    return found


def _column(values: Sequence[int]) -> Int64s:
    return np.array(values, np.int64)


def _of_all(values: Sequence[int], path: Path) -> Int64s:
    return np.full(len(path.price), values[0]) if len(values) == 1 else _column(values)


def _known(values: Sequence[float | None]) -> Floats:
    return np.array([np.nan if value is None else value for value in values], np.float64)


def _positioning(result: Result) -> list[float]:
    found = result.positioning
    figures = [None if found is None else getattr(found, name) for name in FIGURES]
    return [np.nan if figure is None else figure for figure in figures]
