import os
import subprocess
import sys
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from structlog.testing import capture_logs

from core.errors import ConfigError
from core.sessions import NANOS_PER_SECOND, SessionTable
from services.calendars import ScheduleError, session_table
from services.session_cache import cache_directory
from services.venues import EPOCH_ORDINAL, VENUES_FILE, load_venues, shipped_venues
from tests.support.universes import sessions

NEW_YORK = "America/New_York"


def position(table: SessionTable, day: str) -> int:
    label = date.fromisoformat(day).toordinal() - EPOCH_ORDINAL
    at = int(np.searchsorted(table.label, label))
    assert table.label[at] == label, f"{day} is no session of {table.name}"
    return at


def has_session(table: SessionTable, day: str) -> bool:
    return bool(date.fromisoformat(day).toordinal() - EPOCH_ORDINAL in table.label)


def local(table: SessionTable, time_ns: int) -> str:
    moment = datetime.fromtimestamp(time_ns // NANOS_PER_SECOND, ZoneInfo(table.zone))
    return moment.isoformat()


def session(table: SessionTable, day: str) -> tuple[str, str, str]:
    """Return open, close and cut-off as local texts."""
    at = position(table, day)
    times = (table.open_ns[at], table.close_ns[at], table.cutoff_ns[at])
    opens, closes, cutoff = (local(table, int(time_ns)) for time_ns in times)
    return opens, closes, cutoff


@pytest.mark.parametrize(
    ("venue", "cutoff"),
    [("XNYS", "15:50"), ("ARCX", "15:50"), ("XASE", "15:50"), ("XNAS", "15:55"), ("BATS", "16:00")],
)
def test_us_venues_share_hours_and_differ_in_cutoffs(venue: str, cutoff: str) -> None:
    assert session(sessions(venue), "2026-06-23") == (
        "2026-06-23T09:30:00-04:00",
        "2026-06-23T16:00:00-04:00",
        f"2026-06-23T{cutoff}:00-04:00",
    )


@pytest.mark.parametrize("day", ["2025-07-03", "2025-11-28", "2025-12-24", "2015-12-24"])
@pytest.mark.parametrize(("venue", "cutoff"), [("XNYS", "12:50:00"), ("XNAS", "12:55:00")])
def test_half_days_close_at_one_and_move_the_cutoff(venue: str, cutoff: str, day: str) -> None:
    _, closes, until = session(sessions(venue), day)

    assert closes[11:19] == "13:00:00"
    assert until[11:19] == cutoff


def test_days_without_a_session_are_no_sessions() -> None:
    assert not has_session(sessions("XNYS"), "2025-01-09")
    assert not has_session(sessions("XNYS"), "2026-06-21")


@pytest.mark.parametrize(
    ("day", "offset"),
    [
        ("2025-03-07", "-05:00"),
        ("2025-03-10", "-04:00"),
        ("2025-10-31", "-04:00"),
        ("2025-11-03", "-05:00"),
    ],
)
def test_clock_changes_keep_local_hours(day: str, offset: str) -> None:
    assert session(sessions("XNAS"), day)[1] == f"{day}T16:00:00{offset}"


@pytest.mark.parametrize(
    ("venue", "hours"),
    [
        ("XKRX", ("09:00:00+09:00", "15:30:00+09:00")),
        ("XHKG", ("09:30:00+08:00", "16:00:00+08:00")),
        ("XTKS", ("09:00:00+09:00", "15:30:00+09:00")),
        ("XTAI", ("09:00:00+08:00", "13:30:00+08:00")),
        ("XLON", ("08:00:00+01:00", "16:30:00+01:00")),
        ("XETR", ("09:00:00+02:00", "17:30:00+02:00")),
        ("XPAR", ("09:00:00+02:00", "17:30:00+02:00")),
    ],
)
def test_other_venues_take_orders_until_the_close(venue: str, hours: tuple[str, str]) -> None:
    opens, closes, cutoff = session(sessions(venue), "2026-06-23")

    assert (opens[11:], closes[11:]) == hours
    assert cutoff == closes


def test_korea_trades_an_hour_later_on_examination_day_and_not_on_election_day() -> None:
    korea = sessions("XKRX")

    assert session(korea, "2025-11-13")[:2] == (
        "2025-11-13T10:00:00+09:00",
        "2025-11-13T16:30:00+09:00",
    )
    assert not has_session(korea, "2026-06-03")
    assert (np.diff(korea.label) > 0).all()


def test_another_calendar_is_shown_in_the_venue_zone_without_the_venue_cutoff() -> None:
    table = sessions("XNAS", "XKRX")

    assert table.name == "XKRX"
    assert session(table, "2026-06-23") == (
        "2026-06-22T20:00:00-04:00",
        "2026-06-23T02:30:00-04:00",
        "2026-06-23T02:30:00-04:00",
    )


@pytest.mark.parametrize(
    ("day", "opens", "closes"),
    [
        ("2026-01-03", "2026-01-02T16:00:00-05:00", "2026-01-03T16:00:00-05:00"),
        ("2026-03-08", "2026-03-07T16:00:00-05:00", "2026-03-08T16:00:00-04:00"),
        ("2025-11-02", "2025-11-01T16:00:00-04:00", "2025-11-02T16:00:00-05:00"),
    ],
)
def test_round_the_clock_sessions_run_from_strike_to_strike(
    day: str, opens: str, closes: str
) -> None:
    bitcoin = sessions("ARCX", "24/7", strike_time="16:00", strike_zone=NEW_YORK)

    assert session(bitcoin, day) == (opens, closes, closes)
    assert (bitcoin.open_ns[1:] == bitcoin.close_ns[:-1]).all()
    assert (np.diff(bitcoin.label) == 1).all()
    assert bitcoin.name == "24/7@16:00 America/New_York"


def test_a_strike_has_its_own_zone_and_no_cutoff() -> None:
    table = sessions("XNYS", strike_time="20:00", strike_zone="Europe/London")

    assert session(table, "2026-06-23") == (
        "2026-06-23T09:30:00-04:00",
        "2026-06-23T15:00:00-04:00",
        "2026-06-23T15:00:00-04:00",
    )


def test_a_strike_without_zone_is_in_the_venue_zone() -> None:
    table = sessions("XNYS", strike_time="15:30")

    assert session(table, "2026-06-23")[1] == "2026-06-23T15:30:00-04:00"


def test_a_strike_moves_with_an_early_and_with_a_late_close() -> None:
    new_york = sessions("XNYS", strike_time="15:30")
    seoul = sessions("XKRX", strike_time="15:20")

    assert session(new_york, "2025-07-03")[1] == "2025-07-03T12:30:00-04:00"
    assert session(seoul, "2025-11-13")[1] == "2025-11-13T16:20:00+09:00"


def test_usual_closes_follow_the_calendar_through_its_changes() -> None:
    tokyo = sessions("XTKS", strike_time="14:55")

    assert session(tokyo, "2024-10-31")[1] == "2024-10-31T14:55:00+09:00"
    assert session(tokyo, "2025-06-23")[1] == "2025-06-23T14:55:00+09:00"


@pytest.mark.parametrize(
    ("make", "column", "was"),
    [
        (lambda: sessions("XXXX"), "venue", "XXXX"),
        (lambda: sessions("XNYS", "XXXX"), "calendar", "XXXX"),
        (lambda: sessions("XNYS", strike_time="9:30"), "strike_time", "9:30"),
        (lambda: sessions("XNYS", strike_time="24:00"), "strike_time", "24:00"),
        (lambda: sessions("XNYS", strike_time="09:30"), "strike_time", "09:30 America/New_York"),
        (lambda: sessions("XCME", strike_time="23:00"), "strike_time", "23:00 America/Chicago"),
        (lambda: sessions("XNYS", strike_zone=NEW_YORK), "strike_zone", NEW_YORK),
        (
            lambda: sessions("XNYS", strike_time="16:00", strike_zone="America"),
            "strike_zone",
            "America",
        ),
    ],
)
def test_a_faulty_schedule_names_its_column(
    make: Callable[[], SessionTable], column: str, was: str
) -> None:
    with pytest.raises(ScheduleError) as caught:
        make()

    assert caught.value.column == column
    assert caught.value.was == was


def test_every_venue_and_calendar_of_the_table_can_be_computed() -> None:
    table = shipped_venues()

    assert all(len(sessions(mic).label) for mic in table.venues)
    assert all(len(sessions("XNYS", name).label) for name in table.calendars)


def test_a_calendar_recorded_for_part_of_the_range_is_taken_as_far_as_it_goes(
    tmp_path: Path,
) -> None:
    astana = session_table("AIXK", cache=tmp_path)

    assert date.fromordinal(int(astana.label[0]) + EPOCH_ORDINAL).year == 2017
    assert date.fromordinal(int(astana.label[-1]) + EPOCH_ORDINAL).year == 2035


def test_cutoffs_change_at_their_dates(tmp_path: Path) -> None:
    file = tmp_path / "venues.toml"
    file.write_text(
        """
        [venues.XNYS]
        zone = "America/New_York"
        cutoffs = [
            {effective_at = 2026-06-23, before_close = "5m"},
            {effective_at = 2019-01-01, before_close = "15m"},
        ]
        """
    )

    table = session_table("XNYS", venues=load_venues(file))

    assert session(table, "2018-12-31")[2][11:19] == "16:00:00"
    assert session(table, "2019-01-02")[2][11:19] == "15:45:00"
    assert session(table, "2026-06-22")[2][11:19] == "15:45:00"
    assert session(table, "2026-06-23")[2][11:19] == "15:55:00"


def test_a_correction_can_add_a_session(tmp_path: Path) -> None:
    file = tmp_path / "venues.toml"
    file.write_text(
        """
        [venues.XNYS]
        zone = "America/New_York"
        corrections = [{session = 2026-06-20, open = "10:00", close = "12:00"}]
        """
    )

    table = session_table("XNYS", venues=load_venues(file))

    assert session(table, "2026-06-20")[1] == "2026-06-20T12:00:00-04:00"
    assert len(table.label) == len(sessions("XNYS").label) + 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "venues = 3",
        "[venues.XNYS]",
        "[venues.XNYS",
        '[venues.XNYS]\nzone = "Mars/Olympus"',
        '[venues.XNYS]\nzone = "America/New_York"\nclosing = 1',
        '[venues.XNYS]\nzone = "UTC"\ncutoffs = [{effective_at = "x", before_close = "5m"}]',
        '[venues.XNYS]\nzone = "UTC"\ncutoffs = [{effective_at = 2020-01-01, before_close = "x"}]',
        '[venues.XNYS]\nzone = "UTC"\ncorrections = [{session = 2020-01-01}]',
    ],
)
def test_a_faulty_venue_table_is_a_configuration_error(tmp_path: Path, text: str) -> None:
    file = tmp_path / "venues.toml"
    file.write_text(text)

    with pytest.raises(ConfigError, match=r"venues\.toml: expected a table of venues"):
        load_venues(file)


def test_the_shipped_table_is_the_one_beside_the_code() -> None:
    assert load_venues(VENUES_FILE).venues == shipped_venues().venues


def test_a_stored_calendar_is_read_without_the_library(tmp_path: Path) -> None:
    stored = session_table("XNYS", cache=tmp_path)
    program = (
        "import sys; from services.calendars import session_table;"
        "print(len(session_table('XNAS').label));"
        "print(*sorted({'pandas', 'exchange_calendars'} & set(sys.modules)))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"FORCEDFLOW_CACHE": str(tmp_path)},
    )

    assert done.stdout.splitlines() == [str(len(stored.label)), ""]


@pytest.mark.parametrize("content", [b"", b"not an archive", None])
def test_a_spoilt_file_is_computed_anew(tmp_path: Path, content: bytes | None) -> None:
    expected = session_table("XNYS", cache=tmp_path)
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2] if content is None else content)

    with capture_logs() as logs:
        table = session_table("XNYS", cache=tmp_path)

    assert [log["event"] for log in logs] == ["session_cache_unreadable"]
    assert np.array_equal(table.close_ns, expected.close_ns)
    assert file.read_bytes() == whole
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_of_another_shape_is_computed_anew(tmp_path: Path) -> None:
    expected = session_table("XNYS", cache=tmp_path)
    (file,) = tmp_path.iterdir()
    floats = np.zeros(3)
    np.savez(file, label=floats, open_ns=floats, close_ns=floats, usual_close_ns=floats)

    with capture_logs() as logs:
        table = session_table("XNYS", cache=tmp_path)

    assert [log["event"] for log in logs] == ["session_cache_unreadable"]
    assert np.array_equal(table.close_ns, expected.close_ns)


def test_a_folder_that_cannot_be_made_costs_only_time(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")

    with capture_logs() as logs:
        table = session_table("XNYS", cache=blocked / "below")

    assert [log["event"] for log in logs][-1] == "session_cache_unwritable"
    assert session(table, "2025-07-03")[1] == "2025-07-03T13:00:00-04:00"


def test_the_folder_is_the_stated_one_or_the_project_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCEDFLOW_CACHE", "/somewhere")
    assert cache_directory() == Path("/somewhere")

    monkeypatch.delenv("FORCEDFLOW_CACHE")
    assert cache_directory().parts[-2:] == (".forcedflow", "sessions")


def test_tables_cannot_be_written_to() -> None:
    with pytest.raises(ValueError, match="read-only"):
        sessions("XNYS").label[0] = 0
