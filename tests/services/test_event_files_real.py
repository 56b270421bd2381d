from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from core.columns import Int64s
from services.event_files import PriceEvents, ReadOptions, read_prices
from tests.support.real_data import FOLDER, needs_real_data

pytestmark = needs_real_data

MINUTE = 60_000_000_000
NEW_YORK = ZoneInfo("America/New_York")


def minutes_of(event_ns: Int64s) -> list[str]:
    """Return UTC minutes as text, e.g. 2025-05-12T13:35."""
    texts: list[str] = (
        event_ns.astype("datetime64[ns]").astype("datetime64[m]").astype(str).tolist()
    )
    return texts


def five_minute_bars(paths: Sequence[Path]) -> PriceEvents:
    return read_prices(
        paths,
        ReadOptions(
            columns=(("event_time", "datetime"), ("price", "close")),
            timezone="America/New_York",
            bar_ns=5 * MINUTE,
        ),
    )


def test_minute_bars_in_utc_with_a_symbol_column() -> None:
    columns = (("event_time", "Datetime"), ("symbol", "Symbol"), ("price", "Close"))
    options = ReadOptions(columns=columns, timezone="UTC", bar_ns=MINUTE)

    events = read_prices([FOLDER / "minutes" / "QQQ.csv"], options)

    assert events.rejects == []
    assert len(events) == 22973
    assert events.symbols == ("QQQ",)
    assert minutes_of(events.event_ns[[0, -1]]) == ["2025-04-30T14:17", "2025-06-06T00:00"]
    assert events.price[[0, -1]].tolist() == [465.845, 523.67]
    assert np.isnan(events.volume).all()
    assert events.line[[0, -1]].tolist() == [2, 22974]


def test_five_minute_bars_in_new_york_time() -> None:
    path = FOLDER / "intraday" / "5min" / "QQQ.csv"

    events = five_minute_bars([path])

    assert events.rejects == []
    assert events.symbols == ("QQQ",)
    # The clock went back on 2025-11-02: the bars of 09:30 end at 13:35 UTC before, 14:35 after.
    assert minutes_of(events.event_ns[[0, -1]]) == ["2025-05-12T13:35", "2025-12-31T22:00"]
    assert events.price[[0, -1]].tolist() == [504.23, 613.79]
    assert events.volume[0] == 1968475
    rows = path.read_text().splitlines()[1:]
    local = [datetime.fromisoformat(row[:19]).replace(tzinfo=NEW_YORK) for row in rows]
    ends = [(time + timedelta(minutes=5)).timestamp() for time in local]
    assert (events.event_ns / 1e9).tolist() == ends


def test_half_a_year_of_fifteen_symbols() -> None:
    paths = sorted((FOLDER / "intraday" / "5min").glob("*.csv"))

    events = five_minute_bars(paths)

    assert events.rejects == []
    assert events.symbols == tuple(path.stem for path in paths)
    assert len(events) == sum(len(path.read_text().splitlines()) - 1 for path in paths)
