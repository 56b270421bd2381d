"""Recorded bars through gateway, Kafka and worker: every session ends as `replay` has it."""

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import pytest
from click.testing import CliRunner

from core.columns import Partial
from core.universe import Universe
from services.cli import main
from services.clock import SystemClock
from services.event_fields import column_pairs
from services.event_files import ReadOptions
from services.gateway_events import EventRouter, TopicNames
from services.gateway_files import FilesWork
from services.gateway_outlet import Outlet
from services.gateway_plan import GatewayPlan
from services.gateway_producer import KafkaOutput
from services.rows import session_text
from services.universe_files import load_universe
from streams.event_times import parse_time
from streams.fencing import partial_key
from streams.partials import decode_partial
from streams.topics import PARTITIONS, partition_of
from tests.support.real_data import FOLDER, needs_real_data
from tests.support.recorded_bars import (
    FIRST_MINUTES,
    FIRST_SESSION,
    STATED_BEFORE_MINUTES,
    STATED_CLOSES,
    write_universe,
)
from tests.support.service_processes import ServiceProcesses
from tests.support.waiting import eventually

pytestmark = needs_real_data

SESSION_SECONDS = 20.0

Row = dict[str, str]


@dataclass(frozen=True)
class Recording:
    """Files of bars, how their columns are called, what is stated, how many rows that makes."""

    files: tuple[Path, ...]
    headers: tuple[str, ...]
    timezone: str
    bar: str
    stated: Mapping[str, float]
    first_session: str
    compared: int

    @property
    def options(self) -> ReadOptions:
        bar_ns = int(self.bar[:-1]) * 60 * 10**9
        return ReadOptions(column_pairs(self.headers), timezone=self.timezone, bar_ns=bar_ns)


FIVE_MINUTES = Recording(
    files=tuple(FOLDER / f"intraday/5min/{symbol}.csv" for symbol in STATED_CLOSES),
    headers=("event_time=datetime", "price=close"),
    timezone="America/New_York",
    bar="5m",
    stated=STATED_CLOSES,
    first_session=FIRST_SESSION,
    compared=3 * 162 + 174,
)
MINUTES = Recording(
    files=(FOLDER / "minutes/QQQ.csv",),
    headers=("event_time=Datetime", "symbol=Symbol", "price=Close", "volume=Volume"),
    timezone="UTC",
    bar="1m",
    stated=STATED_BEFORE_MINUTES,
    first_session=FIRST_MINUTES,
    compared=26,
)


def last_rows_of_replay(recording: Recording, universe: Path) -> dict[tuple[str, str], Row]:
    """Return the last row of every session, by session and symbol."""
    output = universe.parent / "rows.csv"
    words = ["--universe", universe, "--output", output, "--every", "6h", "--bar", recording.bar]
    words += ["--timezone", recording.timezone]
    words += [word for path in recording.files for word in ("--prices", path)]
    words += [word for header in recording.headers for word in ("--column", header)]
    result = CliRunner().invoke(main, ["replay", *map(str, words)])
    assert result.exit_code == 0, result.output
    with output.open(newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["seconds_to_close"] == "0"]
    return {(row["session"], row["symbol"]): row for row in rows}


def folders_of_days(recording: Recording, into: Path) -> dict[str, Path]:
    """Cut the files into one folder a day, by the dates they are stamped with."""
    folders: dict[str, Path] = {}
    for path in recording.files:
        header, *lines = path.read_text().splitlines()
        for day, same in groupby(lines, key=lambda line: line[:10]):
            folder = folders[day] = into / day
            folder.mkdir(parents=True, exist_ok=True)
            (folder / path.name).write_text("\n".join([header, *same, ""]))
    return dict(sorted(folders.items()))


class Sender:
    """The gateway at full speed, a day of the recording after the other."""

    def __init__(
        self, recording: Recording, universe: Universe, output: KafkaOutput, *, prefix: str
    ) -> None:
        topics = TopicNames.with_prefix(prefix)
        self._recording = recording
        self._universe = universe
        self._output = output
        self._topics = topics
        self._outlet = Outlet(output, partitions=PARTITIONS, topics=topics)
        self._router = EventRouter(
            universe, partitions=PARTITIONS, source="recording", adds_volumes=True, topics=topics
        )

    def send(self, folder: Path) -> int:
        """Send the files of a day; return the time of the last heartbeat."""
        plan = GatewayPlan(
            prices=tuple(sorted(folder.iterdir())),
            options=self._recording.options,
            speed=None,
            adds_volumes=True,
            topics=self._topics,
        )
        playback = FilesWork(
            plan, self._universe, router=self._router, outlet=self._outlet, clock=SystemClock()
        )
        while playback.step() is not None:
            pass
        self._outlet.flush()
        return self._outlet.beat_ns


class Published:
    """What the worker's partials say."""

    def __init__(self, service: ServiceProcesses, universe: Universe) -> None:
        self._service = service
        self._universe = universe

    def rows(self, symbols: set[str]) -> list[tuple[str, Partial, int]]:
        """Return symbol, partial, and row in it, of those references that were published."""
        partials = {partition: self._partial(partition) for partition in map(partition_of, symbols)}
        return [
            (symbol, partial, row)
            for partial in partials.values()
            if partial is not None
            for row, reference in enumerate(partial.reference.tolist())
            if (symbol := self._universe.symbol[reference]) in symbols
        ]

    def _partial(self, partition: int) -> Partial | None:
        content = self._service.store.hget(partial_key(partition), "content")
        if content is None:
            return None
        assert isinstance(content, bytes)
        return decode_partial(content, universe=self._universe.version, partition=partition)


def assert_same(partial: Partial, row: int, replayed: Row, *, previous_close: float) -> None:
    assert partial.price[row] == float(replayed["price"])
    assert partial.previous_close[row] == previous_close
    change = partial.price[row] / partial.previous_close[row] - 1.0
    scale = partial.weight_usd[row] * abs(change)
    demand = float(replayed["leveraged_rebalance_usd"])
    assert abs(partial.leveraged_usd[row] - demand) <= 1e-9 * scale
    assert partial.coverage[row] == float(replayed["coverage"])
    assert partial.as_of_ns[row] == parse_time(replayed["as_of"])
    assert partial.close_ns[row] == parse_time(replayed["event_time"])


def published_at(
    market_ns: int, published: Published, symbols: set[str]
) -> list[tuple[str, Partial, int]]:
    """Return the rows of some references once the market time of all of them is there."""
    rows: list[tuple[str, Partial, int]] = []

    def are_there() -> bool:
        rows[:] = published.rows(symbols)
        return symbols == {
            symbol for symbol, partial, row in rows if partial.market_ns[row] == market_ns
        }

    eventually(are_there, seconds=SESSION_SECONDS)
    return rows


@pytest.mark.timeout(300)
@pytest.mark.parametrize("recording", [FIVE_MINUTES, MINUTES], ids=["five-minutes", "minutes"])
def test_every_session_ends_as_the_replay_does(
    recording: Recording, service_on: Callable[[Path], ServiceProcesses], tmp_path: Path
) -> None:
    folder = tmp_path / "universe"
    write_universe(folder, previous_close=recording.stated, session=recording.first_session)
    replayed = last_rows_of_replay(recording, folder)
    previous_close = dict(recording.stated)
    service = service_on(folder)
    service.worker()
    universe = load_universe(folder)
    published = Published(service, universe)
    compared = 0
    with KafkaOutput(service.bootstrap, client_id="recording") as output:
        sender = Sender(recording, universe, output, prefix=service.prefix)
        for session, day in folders_of_days(recording, tmp_path / "days").items():
            end_ns = sender.send(day)
            symbols = {symbol for label, symbol in replayed if label == session}
            for symbol, partial, row in published_at(end_ns, published, symbols):
                last = replayed[session, symbol]
                assert session_text(int(partial.label[row])) == session
                assert_same(partial, row, last, previous_close=previous_close[symbol])
                previous_close[symbol] = float(last["price"])
                compared += 1
    assert compared == len(replayed) == recording.compared
