"""One way in: the records of a topic's partition into columns, each event judged once.

Clean batches pass as whole columns; only what is bad is looked at value by value, so that each
dead letter says what exactly was wrong with it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from core.columns import Bools, Floats, FlowColumns, Int64s, PriceColumns
from core.errors import BadInputError
from streams.event_fields import Heartbeat
from streams.event_kinds import BAD_NUMBER, EventKind, Row, shown
from streams.event_times import EARLIEST_NS, LATEST_NS
from streams.frame_columns import good_volumes
from streams.frames import FrameEvents, is_frame, read_frame, row_frame
from streams.json_events import JsonEvents
from streams.parts import MAX_SOURCE_LENGTH, MAX_SOURCES, Part, Sources, joined
from streams.rejects import Record, Reject
from streams.routes import MISROUTED, UNKNOWN, Routes
from streams.topics import MAX_EVENT_BYTES

FUTURE_NS = 60 * 1_000_000_000
"""How far an event may be dated after its record's Kafka timestamp (the public contract's)."""
NS_PER_MS = 1_000_000


@dataclass
class Decoded:
    """What a batch of records of one partition holds.

    Attributes
    ----------
    part : Part | None        the good events of names that belong here
    heartbeats : list         (source number, event ns, Kafka time of the record in ns)
    rejects : list[Reject]    what cannot be used, in no order
    unknown : int             events outside the universe
    """

    part: Part | None = None
    heartbeats: list[tuple[int, int, int]] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    unknown: int = 0


@dataclass(frozen=True)
class _Frame:
    """A frame of the batch, and where in the joined columns its rows begin."""

    batch: pa.RecordBatch
    start: int


class EventDecoder:
    """Decodes the records of one topic and partition.

    Parameters
    ----------
    routes : Routes            of the partition
    source_index : callable    the book's `core.book.Book.source_index`
    """

    def __init__(self, kind: EventKind, routes: Routes, source_index: Callable[[str], int]) -> None:
        self.kind = kind
        self.routes = routes
        self._sources = Sources(source_index)
        self._json = JsonEvents(kind, routes.code_of, self._sources)
        self._frames = FrameEvents(kind, routes.code_of, self._sources)

    def decode(self, records: Sequence[Record]) -> Decoded:
        """Decode a batch of one record or more; nothing that a record holds raises."""
        decoded = Decoded()
        frames: dict[int, _Frame] = {}
        part = self._json.clean_batch([record.value or b"" for record in records])
        if part is None:
            part = self._by_record(records, frames, decoded)
        if part is not None:
            self._judge(part, records, frames, decoded)
        return decoded

    def _by_record(
        self, records: Sequence[Record], frames: dict[int, _Frame], decoded: Decoded
    ) -> Part | None:
        rows: list[Row] = []
        places: list[int] = []
        parts: list[Part] = []
        size = 0
        for place, record in enumerate(records):
            try:
                value = payload(record)
                if is_frame(value):
                    batch = read_frame(value)
                    found = self._frames.part(batch, place)
                    if isinstance(found, Part):
                        frames[place] = _Frame(batch, size)
                        parts.append(found)
                        size += len(found.record)
                    else:
                        for beat in found:
                            self._note(beat, record, decoded)
                    continue
                item = self._json.one(value)
                if isinstance(item, Heartbeat):
                    self._note(item, record, decoded)
                else:
                    rows.append(item)
                    places.append(place)
            except BadInputError as error:
                decoded.rejects.append(Reject.of(record, error))
        if rows:
            parts.append(self._json.part(rows, np.array(places, np.int32)))
        return joined(parts) if parts else None

    def _note(self, beat: Heartbeat, record: Record, decoded: Decoded) -> None:
        if beat.event_ns > record.timestamp * NS_PER_MS + FUTURE_NS:
            raise future_error(beat.event_ns, record)
        source = self._sources.number(beat.source)
        if source < 0:
            raise source_error(beat.source)
        decoded.heartbeats.append((source, beat.event_ns, record.timestamp * NS_PER_MS))

    def _judge(
        self,
        part: Part,
        records: Sequence[Record],
        frames: Mapping[int, _Frame],
        decoded: Decoded,
    ) -> None:
        good = self._good(part, _latest_ns(part, records))
        if good.all():
            decoded.part = part
            return
        unknown = part.code == UNKNOWN
        good &= ~unknown
        decoded.unknown = int(unknown.sum())
        for index in np.flatnonzero(~(good | unknown)).tolist():
            place = int(part.record[index])
            self._explain(part, index, records[place], frames.get(place), decoded=decoded)
        if good.any():
            decoded.part = part.at(good)

    def _good(self, part: Part, latest_ns: Int64s | int) -> Bools:
        lowest = 0.0 if self.kind.positive else -np.inf
        good: Bools = (
            (part.code >= 0)
            & (part.event_ns >= EARLIEST_NS)
            & (part.event_ns <= latest_ns)
            & (part.figure > lowest)
            & (part.figure < np.inf)
            & (part.extra > BAD_NUMBER)
            & (part.source >= 0)
            & (part.sequence > BAD_NUMBER)
            & (part.sequence < -BAD_NUMBER)
            & good_volumes(part.volume)
        )
        return good

    def _explain(
        self, part: Part, index: int, record: Record, frame: _Frame | None, *, decoded: Decoded
    ) -> None:
        """Note what an event that the columns found wanting is: a heartbeat or a reject."""
        event_ns = int(part.event_ns[index])
        row, raw = 0, None
        try:
            if frame is None:
                item = self._json.judged(record.value or b"")
            else:
                row = index - frame.start
                raw = row_frame(frame.batch, row)
                item = self._frames.judged(frame.batch, row, event_ns)
            if not isinstance(item, Heartbeat):
                raise self._misplaced(item, int(part.code[index]), record)
            self._note(item, record, decoded)
        except BadInputError as error:
            decoded.rejects.append(Reject.of(record, error, row=row, raw=raw))

    def _misplaced(self, item: Row, code: int, record: Record) -> BadInputError:
        """Return what is wrong with an event whose every value is good by itself."""
        if item.event_time > record.timestamp * NS_PER_MS + FUTURE_NS:
            return future_error(item.event_time, record)
        if code == MISROUTED:
            return BadInputError(
                "misrouted",
                f"expected {self.kind.key} {item.key!r} on the partition of its reference, "
                "it was on another",
            )
        return source_error(item.source)


def price_columns(part: Part, routes: Routes) -> PriceColumns:
    """Return good events of prices as the book takes them."""
    factor = routes.factor
    return PriceColumns(
        reference=routes.row[part.code],
        event_ns=part.event_ns,
        price=part.figure if factor is None else part.figure * factor[part.code],
        sequence=part.sequence,
        source=part.source,
        official=part.extra == 1,
        volume=_own_volumes(part, routes),
    )


def _own_volumes(part: Part, routes: Routes) -> Floats | None:
    """Return the volumes of references' own symbols; those of listings count other units."""
    has_volume = part.volume > 0.0
    if not np.count_nonzero(has_volume):
        return None
    return np.where(routes.is_own[part.code], part.volume, np.nan)


def flow_columns(part: Part, routes: Routes) -> FlowColumns:
    """Return good events of creations as the book takes them."""
    return FlowColumns(
        fund=routes.row[part.code],
        event_ns=part.event_ns,
        label=part.extra,
        net_creation_usd=part.figure,
        sequence=part.sequence,
        source=part.source,
    )


def payload(record: Record) -> bytes:
    """Return the bytes of a record.

    Raises
    ------
    BadInputError
        ``empty``, or ``too_long``.
    """
    value = record.value
    if not value:
        raise BadInputError("empty", "expected an event, the record had no value")
    if len(value) > MAX_EVENT_BYTES:
        raise BadInputError(
            "too_long", f"expected at most {MAX_EVENT_BYTES} bytes, it had {len(value)}"
        )
    return value


def _latest_ns(part: Part, records: Sequence[Record]) -> Int64s | int:
    """Return the last time that each event may have: a bound for all if they keep it."""
    stamps = [record.timestamp for record in records]
    common = min(min(stamps) * NS_PER_MS + FUTURE_NS, LATEST_NS - 1)
    if int(part.event_ns.max(initial=0)) <= common:
        return common
    own = np.array(stamps, np.int64)[part.record] * NS_PER_MS + FUTURE_NS
    return np.minimum(own, LATEST_NS - 1)


def future_error(event_ns: int, record: Record) -> BadInputError:
    """Return the error of an event that is dated long after its record was appended."""
    ahead = (event_ns - record.timestamp * NS_PER_MS) / 1_000_000_000
    return BadInputError(
        "future",
        f"expected event_time at most 60 s after the record's timestamp, it was {ahead:.0f} s",
    )


def source_error(name: str) -> BadInputError:
    """Return the error of a source that is one too many, or whose name is too long."""
    return BadInputError(
        "bad_source",
        f"expected at most {MAX_SOURCES} sources with names of up to {MAX_SOURCE_LENGTH} "
        f"letters on a partition, one more was {shown(name)}",
    )
