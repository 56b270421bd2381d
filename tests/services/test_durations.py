import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ConfigError
from services.durations import duration_text, parse_duration_ns

SECOND_NS = 1_000_000_000


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("5m", 300),
        ("4h", 14_400),
        ("1h30m", 5_400),
        ("1d", 86_400),
        ("0s", 0),
        ("0.5s", 0.5),
        ("250ms", 0.25),
        ("1m250ms", 60.25),
        ("1.5h", 5_400),
    ],
)
def test_number_and_unit_give_the_duration(text: str, seconds: float) -> None:
    assert parse_duration_ns(text) == seconds * SECOND_NS


@pytest.mark.parametrize(
    "text", ["", "30", "5 m", "-5m", "m", "5M", "30m1h", "1h1h", "5min", "1e3s", "٣s", "5m\n"]
)
def test_anything_else_is_refused_with_what_it_was(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_duration_ns(text)

    assert str(caught.value) == f"expected a duration such as 30s, 5m or 1h30m, was {text!r}"


def test_duration_past_ten_years_is_refused() -> None:
    assert parse_duration_ns("3660d") == 3660 * 86_400 * SECOND_NS

    with pytest.raises(ConfigError, match="at most 3660d, was '3661d'"):
        parse_duration_ns("3661d")


@given(st.integers(0, 99), st.integers(0, 23), st.integers(0, 59), st.integers(0, 59))
def test_parts_add_up_exactly(days: int, hours: int, minutes: int, seconds: int) -> None:
    text = f"{days}d{hours}h{minutes}m{seconds}s"

    total = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    assert parse_duration_ns(text) == total * SECOND_NS


@given(milliseconds=st.integers(0, 3660 * 86_400_000))
def test_a_duration_is_written_as_it_is_read(milliseconds: int) -> None:
    duration_ns = milliseconds * 1_000_000
    assert parse_duration_ns(duration_text(duration_ns)) == duration_ns


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (20, "20s"), (90, "1m30s"), (600, "10m"), (90_000, "1d1h")]
)
def test_a_duration_is_written_in_whole_units(seconds: int, text: str) -> None:
    assert duration_text(seconds * SECOND_NS) == text
