"""What stands above a chain's table: date and time in any language, numbers in any country's."""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from core.errors import ConfigError
from services.chain_dates import compact_date, date_in, header_time_ns
from services.chain_numbers import decimal_of, number_near, read_numbers


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("January 7, 2024 at 10:52 AM EST", "2024-01-07T15:52"),
        ("May 1, 2025 at 4:49 PM EDT", "2025-05-01T20:49"),
        ("July 4, 2025 at 12:05 AM EDT", "2025-07-04T04:05"),
        ("12 de enero de 2026, 13:36 GMT-5", "2026-01-12T18:36"),
        ("martes, 13 de enero de 2026, 1:36 p. m. GMT-5", "2026-01-13T18:36"),
        ("7. Januar 2024 um 16:52 MEZ", "2024-01-07T15:52"),
        ("7 juin 2024 à 16:52 UTC+2", "2024-06-07T14:52"),
        ("mardi 23 juillet 2024 à 9 h 30 UTC−4", "2024-07-23T13:30"),
        ("1 de setembro de 2026 às 13h36 EDT", "2026-09-01T17:36"),
        ("2026年1月12日 13:36 GMT-5", "2026-01-12T18:36"),
        ("12.01.2026, 13:36 CET", "2026-01-12T12:36"),
        ("13/1/2026, 13:36 GMT+5:30", "2026-01-13T08:06"),
        ("2026-01-12T13:36:05Z", "2026-01-12T13:36"),
        # Without a zone it is New York's.
        ("1/13/2026, 1:36 PM", "2026-01-13T18:36"),
    ],
)
def test_a_head_is_read_in_the_reader_s_language(text: str, expected: str) -> None:
    instant = header_time_ns(text, file="chain.csv")

    assert datetime.fromtimestamp(instant / 1e9, UTC).isoformat()[:16] == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no time of day"),
        ("January 7, 2024", "no time of day"),
        ("10:52 AM EST", "no day, month and year"),
        ("1/12/2026, 1:36 PM", "either of two days"),
        ("7 de maio de 2025 às 16:52 BRT", "BRT is not known"),
        ("January 7, 2024 at 13:52 PM EST", "13 is no hour"),
        ("February 30, 2024 at 10:52 AM EST", "day is out of range"),
    ],
)
def test_a_head_that_may_mean_several_times_or_none_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason) as raised:
        header_time_ns(text, file="chain.csv")
    assert "chain.csv" in str(raised.value)


def test_dates_of_rows_and_of_file_names() -> None:
    assert date_in("Fri Jan 05 2024") == compact_date("20240105")
    assert date_in("vie 05 ene 2024") == compact_date("20240105")
    assert date_in("soon") is None
    assert compact_date("20240230") is None
    assert compact_date("2024010") is None


def column(*texts: str | None) -> pa.Array:
    return pa.array(texts, pa.large_string())


def test_thousands_are_parted_in_one_way_and_fractions_in_the_other() -> None:
    texts = column("1,234.5", "1.234,5", "21.801.210", "1 234 567", "1'234", "1,2", "565.615", None)

    american, european = (read_numbers(texts, decimal=mark) for mark in (".", ","))

    unknown = np.nan
    np.testing.assert_equal(
        american.value,
        [1234.5, unknown, unknown, 1_234_567, 1234, unknown, 565.615, unknown],
    )
    np.testing.assert_equal(
        european.value, [unknown, 1234.5, 21_801_210, 1_234_567, 1234, 1.2, 565_615, unknown]
    )
    assert american.bad.tolist() == [False, True, True, False, False, True, False, False]
    assert european.bad.tolist() == [True, False, False, False, False, False, False, False]


def test_the_mark_of_fractions_is_the_one_that_fits_what_is_known() -> None:
    known = np.array([1200.0, 1250.0])
    no_levels = column("10", "20")

    def mark(*strikes: str, levels: pa.Array = no_levels, others: pa.Array = no_levels) -> str:
        return decimal_of(column(*strikes), known, levels=[levels], others=[others])

    assert mark("1200.00", "1,250.00") == "."
    assert mark("1200,00", "1.250,00") == ","
    # Strikes may say nothing; whole levels and the fractions of volatilities do.
    assert mark("1200", "1250", levels=column("1.234", "7")) == ","
    assert mark("1200", "1250", others=column("0,2", "0,25")) == ","
    assert mark("1200", "1250") == "."


@pytest.mark.parametrize(
    ("text", "near", "expected"),
    [("565.615", 560.0, 565.615), ("4.697,24", 4700.0, 4697.24), ("4697.2402", 4700.0, 4697.2402)],
)
def test_a_spot_is_the_number_near_the_strikes(text: str, near: float, expected: float) -> None:
    assert number_near(text, near) == pytest.approx(expected)
    assert np.isnan(number_near("n/a", near))
