"""The sessions of exchange-calendars, computed once a version and kept on disk.

The library imports pandas and takes a second or more for some calendars, so no process that has
the file ever imports it. Files are numpy archives without pickles; their names carry everything
their content depends on, and a file that cannot be used is computed anew.
"""

import io
import os
import tempfile
import warnings
import zipfile
import zlib
from dataclasses import astuple, dataclass, fields
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import structlog

from core.sessions import Int64s

if TYPE_CHECKING:
    # Both are slow to import, and needed only where a calendar is not stored.
    import pandas as pd
    from exchange_calendars import ExchangeCalendar

RANGE_START = date(2005, 1, 1)
"""First day computed: a year before the first leveraged exchange-traded fund."""
RANGE_END = date(2035, 12, 31)
"""Last day computed, where the library goes so far (Shanghai: to the end of next year)."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, eq=False)
class CalendarSessions:
    """The sessions of one calendar, ascending: all int64[n].

    ``label`` local date, days since 1970; ``open_ns``, ``close_ns`` ns UTC;
    ``usual_close_ns`` when the session would close on a day without exception.
    """

    label: Int64s
    open_ns: Int64s
    close_ns: Int64s
    usual_close_ns: Int64s


def cache_directory() -> Path:
    """Return ``FORCEDFLOW_CACHE``, else ``.forcedflow/sessions`` in the project's root."""
    stated = os.environ.get("FORCEDFLOW_CACHE")
    return Path(stated) if stated else Path(__file__).parents[1] / ".forcedflow" / "sessions"


def calendar_sessions(calendar: str, directory: Path) -> CalendarSessions:
    """Return the sessions of one of the library's calendars, from `directory` where it has them.

    The result is the same whether or not the directory can be read or written; several processes
    may ask at once.
    """
    path = directory / _file_name(calendar)
    stored = _stored(path)
    if stored is not None:
        return stored
    computed = _computed(calendar)
    _store(path, computed)
    return computed


def _file_name(calendar: str) -> str:
    library = version("exchange-calendars")
    return f"{calendar.replace('/', '-')}_{library}_{RANGE_START}_{RANGE_END}.npz"


def _stored(path: Path) -> CalendarSessions | None:
    try:
        # By way of memory: numpy leaves the file open where the archive turns out to be broken.
        content = io.BytesIO(path.read_bytes())
        with np.load(content, allow_pickle=False) as archive:
            columns = [archive[field.name] for field in fields(CalendarSessions)]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as e:
        _log.warning("session_cache_unreadable", path=str(path), error=str(e))
        return None
    if not _is_sound(columns):
        _log.warning("session_cache_unreadable", path=str(path), error="not a table of sessions")
        return None
    return CalendarSessions(*columns)


def _is_sound(columns: list[npt.NDArray[np.generic]]) -> bool:
    label = columns[0]
    return (
        all(column.dtype == np.int64 and column.ndim == 1 for column in columns)
        and len({len(column) for column in columns}) == 1
        and len(label) > 0
        and bool((np.diff(label) > 0).all())
    )


def _store(path: Path, sessions: CalendarSessions) -> None:
    content = io.BytesIO()
    names = [field.name for field in fields(sessions)]
    np.savez_compressed(content, **dict(zip(names, astuple(sessions), strict=True)))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Written beside its place and renamed, so that a reader sees a whole file or none.
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as part:
            part.write(content.getvalue())
        whole = Path(part.name)
        # Temporary files are private; a cache may be shared by the services' users.
        whole.chmod(0o644)
        whole.replace(path)
    except OSError as e:
        _log.warning("session_cache_unwritable", path=str(path), error=str(e))


def _computed(calendar: str) -> CalendarSessions:
    with warnings.catch_warnings():
        # The library calls pandas in ways that pandas announces to change; its versions are locked.
        warnings.simplefilter("ignore")
        computed = _in_range(calendar)
        label = computed.sessions.to_numpy().astype("datetime64[D]").astype(np.int64)
        open_ns = _nanoseconds(computed.opens)
        close_ns = _nanoseconds(computed.closes)
        usual_close_ns = _usual_close_ns(computed)
    return CalendarSessions(label, open_ns, close_ns, usual_close_ns)


def _in_range(calendar: str) -> "ExchangeCalendar":
    import exchange_calendars as library  # noqa: PLC0415 - slow, needed on a miss only

    start, end = RANGE_START.isoformat(), RANGE_END.isoformat()
    try:
        return library.get_calendar(calendar, start=start, end=end)
    except ValueError:
        # Some calendars are recorded for part of the range; only a calendar knows its bounds.
        known = library.get_calendar(calendar)
        bounds = [day and day.date() for day in (known.bound_min(), known.bound_max())]
        first = max(RANGE_START, bounds[0] or RANGE_START).isoformat()
        last = min(RANGE_END, bounds[1] or RANGE_END).isoformat()
        return library.get_calendar(calendar, start=first, end=last)


def _nanoseconds(times: "pd.Series") -> Int64s:
    naive = times.dt.tz_convert(None).to_numpy()
    return np.asarray(naive.astype("datetime64[ns]").astype(np.int64))


def _usual_close_ns(computed: "ExchangeCalendar") -> Int64s:
    """Return when each session would close if it were not a special one."""
    import pandas as pd  # noqa: PLC0415 - as above

    sessions = computed.sessions
    usual = pd.Series(pd.NaT, index=sessions, dtype="datetime64[ns]")
    for first, clock in computed.close_times:
        chosen = sessions >= first if first is not None else sessions >= sessions[0]
        since_midnight = pd.Timedelta(hours=clock.hour, minutes=clock.minute, seconds=clock.second)
        days = pd.Timedelta(days=computed.close_offset)
        usual[chosen] = sessions[chosen] + days + since_midnight
    return _nanoseconds(usual.dt.tz_localize(computed.tz))
