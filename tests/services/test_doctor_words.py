import pytest

from services.doctor_words import count, span, these


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (0.44, "0.4 s"),
        (12.3, "12 s"),
        (119, "119 s"),
        (180, "3 min"),
        (9000, "2.5 h"),
        (4 * 86400, "4 days"),
    ],
)
def test_spans_are_told_in_the_unit_people_use(seconds: float, text: str) -> None:
    assert span(seconds) == text


def test_numbers_in_a_row_are_told_as_such() -> None:
    assert these("partition", [3]) == "partition 3"
    assert these("partition", [7, 0, 2, 1]) == "partitions 0–2, 7"


def test_things_are_counted() -> None:
    assert [count(number, "record") for number in (0, 1, 1204)] == [
        "0 records",
        "1 record",
        "1,204 records",
    ]
