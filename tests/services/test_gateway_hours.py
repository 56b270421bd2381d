import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.open_hours import OpenHours
from tests.support.core_universe import HOUR_NS, at, table

DAY = OpenHours.of([table("DAY")])
times = st.integers(at(-2, 0), at(14, 0))


def test_venues_that_overlap_are_open_together() -> None:
    # DAY is open from 10 to 17 o'clock, NIGHT from 20 to 2: with five hours of grace they meet.
    hours = OpenHours.of([table("DAY"), table("NIGHT")], grace_ns=3 * HOUR_NS)

    assert len(hours.start_ns) == 13
    assert hours.is_open(at(0, 10.5))
    assert not hours.is_open(at(0, -3))


def test_a_calendar_without_pauses_is_one_interval() -> None:
    assert len(OpenHours.of([table("ROUND")]).start_ns) == 1


def test_both_ends_belong_to_a_session() -> None:
    assert [DAY.is_open(at(0, hour)) for hour in (-0.1, 0, 7, 7.1)] == [False, True, True, False]


def test_closed_hours_take_no_time() -> None:
    assert DAY.time_at(DAY.elapsed_ns(at(0, 1)) + 5 * HOUR_NS) == at(0, 6)
    assert DAY.time_at(DAY.elapsed_ns(at(0, 1)) + 6 * HOUR_NS) == at(1, 0)
    assert DAY.time_at(DAY.elapsed_ns(at(0, 1)) + 7 * HOUR_NS) == at(1, 1)
    assert DAY.elapsed_ns(at(0, 9)) == DAY.elapsed_ns(at(1, 0))


def test_before_the_first_and_after_the_last_session() -> None:
    assert DAY.time_at(DAY.elapsed_ns(0)) == at(0, 0)
    assert DAY.time_at(12 * 7 * HOUR_NS) > at(1000, 0)
    assert OpenHours.of([]).time_at(0) > at(1000, 0)
    assert OpenHours.of([]).elapsed_ns(at(0, 0)) == 0


@given(times)
def test_time_at_undoes_elapsed_in_open_hours(time_ns: int) -> None:
    again = DAY.time_at(DAY.elapsed_ns(time_ns))

    assert again >= time_ns
    assert not DAY.is_open(time_ns) or again == time_ns or time_ns in DAY.end_ns


@given(times, times)
def test_elapsed_never_goes_back(one: int, other: int) -> None:
    early, late = sorted((one, other))

    assert DAY.elapsed_ns(early) <= DAY.elapsed_ns(late) <= DAY.elapsed_ns(early) + late - early


def test_intervals_are_apart_and_ascending() -> None:
    hours = OpenHours.of([table("DAY"), table("NIGHT"), table("DAY")])

    assert (hours.start_ns[1:] > hours.end_ns[:-1]).all()
    assert (np.diff(hours.before_ns) > 0).all()
