"""Which contract a symbol names, what its terms are, and when it settles."""

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from core.sessions import NO_TIME
from services.option_calendar import option_calendar
from services.option_roots import Settles, is_adjusted, terms_of
from services.option_symbols import parse_option_symbol
from services.option_terms import Identity, listed_terms

NEW_YORK = ZoneInfo("America/New_York")


def day(text: str) -> int:
    return int(np.datetime64(text, "D").astype(np.int64))


def settled(expiry: str, settles: Settles) -> str:
    instant = option_calendar().settlement_ns(np.array([day(expiry)]), settles=settles)[0]
    return datetime.fromtimestamp(instant / 1e9, NEW_YORK).isoformat()[:16]


@pytest.mark.parametrize(
    ("text", "root", "expiry", "right", "strike"),
    [
        ("SPXW240105C01200000", "SPXW", "2024-01-05", "call", 1200.0),
        ("SPX   240119P04697500", "SPX", "2024-01-19", "put", 4697.5),
        # After Apple's seven-for-one split strikes are thousandths of old ones.
        ("AAPL140621C00092140", "AAPL", "2014-06-21", "call", 92.14),
        ("AAPL1 140621C00645000", "AAPL1", "2014-06-21", "call", 645.0),
    ],
)
def test_a_symbol_is_root_expiry_right_and_strike(
    text: str, root: str, expiry: str, right: str, strike: float
) -> None:
    assert parse_option_symbol(text) == (root, day(expiry), right == "call", strike)


@pytest.mark.parametrize(
    "text",
    ["", "SPX", "SPXW240132C01200000", "SPXW240105X01200000", "SPXW240105C0120000",
     "SPXW240105C00000000", "240105C01200000", "SPXW٢٤٠١٠٥C01200000"],
)  # fmt: skip
def test_what_is_no_symbol_is_none(text: str) -> None:
    assert parse_option_symbol(text) is None


def test_roots_of_one_index_have_their_own_terms() -> None:
    monthly, weekly = terms_of("SPX"), terms_of("SPXW")

    assert (monthly.underlying, weekly.underlying) == ("SPX", "SPX")
    assert (monthly.settles, weekly.settles) == ("monthly-open", "close")
    assert monthly.is_cash_settled
    assert not monthly.is_american
    assert not weekly.is_american


def test_a_share_a_future_and_its_weekly_root() -> None:
    share, future, weekly = terms_of("NVDA"), terms_of("NQ"), terms_of("QN3", "NQ")

    assert (share.multiplier, share.is_american, share.is_cash_settled) == (100.0, True, False)
    assert share.settles == "close"
    assert (future.multiplier, future.settles) == (20.0, "monthly-open")
    assert (weekly.multiplier, weekly.settles, weekly.underlying) == (20.0, "close", "NQ")


def test_a_root_with_a_digit_delivers_something_else() -> None:
    assert [is_adjusted(root) for root in ("AAPL1", "1SPX", "AAPL", "SPXW")] == [
        True, True, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("expiry", "settles", "expected"),
    [
        # The third Friday at the open, any other Friday at the close.
        ("2024-01-19", "monthly-open", "2024-01-19T09:30"),
        ("2024-01-12", "monthly-open", "2024-01-12T16:00"),
        ("2024-01-19", "close", "2024-01-19T16:00"),
        # A third Friday that is Good Friday: the Thursday before.
        ("2025-04-17", "monthly-open", "2025-04-17T09:30"),
        ("2025-04-18", "monthly-open", "2025-04-17T09:30"),
        # The Saturdays of old stand for their Friday.
        ("2014-06-21", "close", "2014-06-20T16:00"),
        ("2014-06-21", "monthly-open", "2014-06-20T09:30"),
        # A half day.
        ("2015-12-24", "close", "2015-12-24T13:00"),
        # Wednesday mornings.
        ("2024-01-17", "open", "2024-01-17T09:30"),
    ],
)
def test_contracts_settle_by_the_sessions(expiry: str, settles: Settles, expected: str) -> None:
    assert settled(expiry, settles) == expected


def test_an_expiry_beyond_the_calendar_settles_at_no_known_time() -> None:
    found = option_calendar().settlement_ns(np.array([day("2051-01-20")]), settles="close")

    assert found.tolist() == [NO_TIME]


@pytest.mark.parametrize(
    ("moment", "session"),
    [
        ("2025-05-01T08:28", "2025-05-01"),
        ("2025-05-01T16:49", "2025-05-01"),
        ("2025-05-01T05:59", "2025-04-30"),
        ("2024-01-07T10:52", "2024-01-05"),
        ("2024-01-15T12:00", "2024-01-12"),
    ],
)
def test_open_interest_is_of_the_session_before_whose_open_it_was_published(
    moment: str, session: str
) -> None:
    instant = datetime.fromisoformat(moment).replace(tzinfo=NEW_YORK)

    label = option_calendar().open_interest_label(round(instant.timestamp()) * 10**9)

    assert label == day(session)


def test_the_terms_of_a_chain_follow_its_roots() -> None:
    identity = Identity(
        roots=("SPX", "SPXW"),
        root=np.array([0, 1, 1], np.int32),
        expiry=np.array([day("2024-01-19")] * 2 + [day("2024-01-08")]),
        strike=np.full(3, 4700.0),
        is_call=np.ones(3, np.bool_),
    )

    terms = listed_terms(identity, option_calendar())

    hours = [datetime.fromtimestamp(ns / 1e9, NEW_YORK).hour for ns in terms.settlement_ns]
    assert hours == [9, 16, 16]
    assert terms.multiplier.tolist() == terms.deliverable.tolist() == [100.0] * 3
    assert terms.is_cash_settled.all()
    assert not terms.is_american.any()
    assert np.isnan(terms.forward).all()
