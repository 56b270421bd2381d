"""`forcedflow options`: figures against a slow computation, files, notes and exit codes."""

import csv
import json
from datetime import datetime, time
from math import exp, log, pi, sqrt
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from services.cli import main
from services.option_table import OptionsTable
from tests.support.chain_texts import Row, Side, cboe_text, lean_row, lean_text, write
from tests.support.naive_gamma import Contract, contracts, exposure, vendor_exposure
from tests.support.option_lines import json_file, level

EXAMPLE = Path(__file__).parents[1] / "data/chains/ACME_2026-06-22.csv"
NEW_YORK = ZoneInfo("America/New_York")
CONTRACT_KEYS = [
    "underlying", "as_of", "spot", "method", "contracts", "open_interest", "rejected",
    "gamma_exposure_usd_per_1pct", "vendor_gamma_exposure_usd_per_1pct", "zero_gamma", "call_wall",
    "put_wall", "largest_gamma_strike", "put_call_open_interest", "risk_reversal_25d_30d",
    "share_0dte", "by_expiry", "by_strike",
]  # fmt: skip


def run(folder: Path, *arguments: object) -> tuple[Result, list[dict[str, Any]]]:
    output = folder / "out.jsonl"
    result = CliRunner().invoke(
        main, ["options", *map(str, arguments), "--output", str(output)], catch_exceptions=False
    )
    lines = output.read_text(encoding="utf-8").splitlines() if output.exists() else []
    return result, [json.loads(line) for line in lines]


def profile(folder: Path, *arguments: object) -> dict[str, Any]:
    result, [found] = run(folder, *arguments)
    assert result.exit_code == 0, result.output
    return found


def at_close(_root: str, day: datetime) -> datetime:
    return datetime.combine(day, time(16), NEW_YORK)


def example_contracts() -> list[Contract]:
    """Return the living contracts of the example, its negative level and repeated row left out."""
    as_of = datetime(2026, 6, 22, 10, 30, tzinfo=NEW_YORK)
    found = {each.symbol: each for each in contracts(EXAMPLE, as_of, at_close)}
    return [each for each in found.values() if each.seconds >= 0 and each.open_interest >= 0]


def test_the_example_gives_the_figures_of_the_slow_computation(tmp_path: Path) -> None:
    found = profile(tmp_path, EXAMPLE, "--rate", "0.04")

    assert list(found)[: len(CONTRACT_KEYS)] == CONTRACT_KEYS
    living = example_contracts()
    calls = sum(each.open_interest for each in living if each.is_call)
    puts = sum(each.open_interest for each in living if not each.is_call)
    assert (found["underlying"], found["spot"]) == ("ACME", 102.37)
    assert found["as_of"] == "2026-06-22T10:30:00-04:00"
    assert found["contracts"] == len(living) == 113
    assert found["open_interest"] == calls + puts
    assert found["put_call_open_interest"] == pytest.approx(puts / calls)
    assert found["rejected"] == {
        "bad_open_interest": 1, "duplicate": 2, "expired": 2, "no_implied_volatility": 1,
    }  # fmt: skip
    assert found["vendor_gamma_exposure_usd_per_1pct"] == pytest.approx(
        vendor_exposure(living, 102.37), rel=1e-12
    )
    # Forwards come from quotes rounded to a cent.
    ours = found["gamma_exposure_usd_per_1pct"]
    expected = exposure(living, 102.37, rate=0.04, dividend_yield=0.01)
    assert ours["index_convention"] == pytest.approx(expected, rel=1e-3)
    assert ours["inverted"] == -ours["index_convention"]
    assert ours["customers_long"] < ours["index_convention"]
    [level_] = found["zero_gamma"]
    assert level_["long_above"]
    assert level_["distance"] == pytest.approx(level_["level"] / 102.37 - 1.0)
    beside = [
        exposure(living, level_["level"] + step, rate=0.04, dividend_yield=0.01)
        for step in (-0.05, 0.05)
    ]
    assert beside[0] < 0.0 < beside[1]
    assert found["method"]["forwards"] == {"parity": 3}
    assert found["share_0dte"] == 0.0
    assert found["risk_reversal_25d_30d"] < 0.0
    assert (found["put_wall"], found["call_wall"]) == (100.0, 105.0)
    assert not found["stale"]
    assert found["open_interest_session"] == "2026-06-22"


@pytest.mark.parametrize("table", ["by_strike", "by_expiry"])
def test_strikes_and_expiries_add_up_to_the_whole(tmp_path: Path, table: str) -> None:
    found = profile(tmp_path, EXAMPLE)

    rows = found[table]
    key = table.removeprefix("by_")
    assert [row[key] for row in rows] == sorted(row[key] for row in rows)
    for model, whole in found["gamma_exposure_usd_per_1pct"].items():
        total = sum(row["gamma_exposure_usd_per_1pct"][model] for row in rows)
        assert total == pytest.approx(whole, rel=1e-9)
    held = sum(row["call_open_interest"] + row["put_open_interest"] for row in rows)
    assert held == found["open_interest"]


def test_rejects_are_written_with_line_and_reason(tmp_path: Path) -> None:
    profile(tmp_path, EXAMPLE, "--rejects", tmp_path / "rejects.csv")

    with (tmp_path / "rejects.csv").open(encoding="utf-8", newline="") as stream:
        rejects = list(csv.DictReader(stream))
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    assert [(reject["line"], reject["reason"]) for reject in rejects] == [
        ("5", "expired"), ("5", "expired"), ("8", "no_implied_volatility"),
        ("62", "bad_open_interest"), ("63", "duplicate"), ("63", "duplicate"),
    ]  # fmt: skip
    assert all(reject["raw"] == lines[int(reject["line"]) - 1] for reject in rejects)
    assert {reject["file"] for reject in rejects} == {str(EXAMPLE)}


def test_the_page_is_whole_and_says_what_the_figures_are(tmp_path: Path) -> None:
    profile(tmp_path, EXAMPLE, "--plot", tmp_path / "page.html")

    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "a repricing of a static inventory" in page
    assert page.count("<svg") == 3
    assert "zero gamma 104.5" in page
    assert "no implied volatility" in page
    for word in ("<script", "http://", "https://", "src=", "@import"):
        assert word not in page


@pytest.mark.parametrize("strikes", [1, 150])
def test_a_page_of_few_or_many_strikes_draws_them_all(tmp_path: Path, strikes: int) -> None:
    days = [(1 + i % 28, 7 + i // 28) for i in range(strikes)]
    rows = [
        level(strike=100.0 + i / 10, spot=101.0, expiry=f"2026-{month:02}-{day:02}")
        for i, (day, month) in enumerate(days)
    ]

    profile(tmp_path, json_file(tmp_path / "oi.jsonl", rows), "--plot", tmp_path / "page.html")

    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    bars = page.count('<rect class="calls"')
    assert bars == 2 if strikes == 1 else 60 < bars <= 150
    assert "nan" not in page


def test_a_time_and_a_spot_of_one_s_own(tmp_path: Path) -> None:
    stated = profile(tmp_path, EXAMPLE)
    friday = profile(
        tmp_path, EXAMPLE, "--as-of", "2026-06-26T12:00:00-04:00", "--spot", "ACME=105"
    )
    later = profile(tmp_path, EXAMPLE, "--as-of", "2026-06-27T12:00:00-04:00", "--spot", "105")

    assert (friday["as_of"], friday["spot"]) == ("2026-06-26T12:00:00-04:00", 105.0)
    assert friday["contracts"] == stated["contracts"]
    assert friday["share_0dte"] > 0.3
    assert friday["stale"]
    # The repeated row is of that expiry, too.
    assert later["rejected"]["expired"] == 2 + 38 + 2
    assert later["share_0dte"] == 0.0
    assert "quotes_off_spot" in friday["notes"]


def test_a_narrow_and_a_wide_terminal_show_every_figure(tmp_path: Path) -> None:
    found = profile(tmp_path, EXAMPLE)

    for width, heads in ((60, 2), (200, 1)):
        console = Console(width=width, color_system=None)
        with console.capture() as capture:
            console.print(OptionsTable([found, found | {"underlying": "BETA"}]))
        text = capture.get()
        assert text.count("zero gamma") == heads
        assert "104.52 (+2.1 %, long above)" in text
        assert "ACME" in text
        assert "BETA" in text
        assert "-4.95 %" in text.split("risk reversal 25Δ 30d")[1]
        assert max(map(len, text.splitlines())) <= width


def test_another_sign_model_has_other_levels_and_the_same_exposures(tmp_path: Path) -> None:
    plain = profile(tmp_path, EXAMPLE)

    result, [found] = run(
        tmp_path, EXAMPLE, "--sign-model", "customers_long", "--plot", tmp_path / "page.html"
    )

    assert plain["method"]["zero_gamma_model"] == "index_convention"
    assert found["method"]["zero_gamma_model"] == "customers_long"
    assert (found["zero_gamma"], len(plain["zero_gamma"])) == ([], 1)
    assert found["zero_gamma_reason"].startswith("dealers are short gamma")
    for name in ("gamma_exposure_usd_per_1pct", "vendor_gamma_exposure_usd_per_1pct", "by_strike"):
        assert found[name] == plain[name]
    assert "USD per 1 % (customers long)" in result.stderr
    assert "under customers long" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_the_user_s_own_signs_are_a_model_where_a_chain_has_them(tmp_path: Path) -> None:
    chain = [
        level(strike=strike, right=right, spot=100.0, dealer_sign=sign)
        for strike in (95.0, 100.0, 105.0)
        for right, sign in (("call", 1.0), ("put", -1.0))
    ]
    others = [level(underlying="BETA", strike=90.0, spot=100.0)]
    file = json_file(tmp_path / "oi.jsonl", [*chain, *others])

    result, [acme, beta] = run(tmp_path, file, "--sign-model", "user_signed")

    assert result.exit_code == 0, result.output
    exposure = acme["gamma_exposure_usd_per_1pct"]
    assert exposure["user_signed"] == pytest.approx(exposure["index_convention"], abs=1e-3)
    for row in acme["by_strike"]:
        each = row["gamma_exposure_usd_per_1pct"]
        assert each["user_signed"] == pytest.approx(each["index_convention"], abs=1e-3)
    assert "user_signed" not in beta["gamma_exposure_usd_per_1pct"]
    assert "dealer_sign" in beta["notes"]["no_dealer_sign"]
    assert beta["zero_gamma"] == []
    console = Console(width=200, color_system=None)
    with console.capture() as capture:
        console.print(OptionsTable([beta, acme]))
    [line] = [each for each in capture.get().splitlines() if "gamma exposure per 1 %" in each]
    assert "–" in line


def test_rate_and_yield_are_settings_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flagged = profile(tmp_path, EXAMPLE, "--rate", "0.04", "--dividend-yield", "0.01")
    monkeypatch.setenv("FORCEDFLOW_OPTIONS__RATE", "0.04")
    monkeypatch.setenv("FORCEDFLOW_OPTIONS__DIVIDEND_YIELD", "0.5")

    found = profile(tmp_path, EXAMPLE, "--dividend-yield", "0.01")

    assert found == flagged
    assert (found["method"]["rate"], found["method"]["dividend_yield"]) == (0.04, 0.01)


def test_every_layout_may_come_in_one_call(tmp_path: Path) -> None:
    lean = write(
        tmp_path / "goog/20151223.csv",
        lean_text([lean_row("20160115", "100", "C"), lean_row("20160115", "100", "P")]),
    )
    own = json_file(tmp_path / "oi.jsonl", [level(underlying="BETA", spot=101.0)])

    result, found = run(tmp_path, EXAMPLE, lean, own)

    assert result.exit_code == 0
    assert [each["underlying"] for each in found] == ["ACME", "GOOG", "BETA"]
    assert found[2]["as_of"] == "2026-06-22T06:31:00-04:00"
    assert "GOOG 2015-12-23T16:00:00-05:00: 2 contracts" in result.stderr


def test_options_on_a_future_are_priced_on_its_forward(tmp_path: Path) -> None:
    row = level(
        underlying="NQ", strike=29000, forward=29267.25, implied_volatility=0.18, style="european",
        event_time="2026-08-25T16:00:00-04:00", expiry="2026-09-01", settlement_time="close",
        open_interest=1000,
    )  # fmt: skip

    found = profile(tmp_path, json_file(tmp_path / "nq.jsonl", [row]))

    # Black-76 in the plain: seven days, 20 a point.
    years = 7 / 365
    width = 0.18 * years**0.5
    d1 = log(29267.25 / 29000) / width + 0.5 * width
    gamma = exp(-0.5 * d1 * d1) / sqrt(2 * pi) / (29267.25 * width)
    expected = gamma * 1000 * 20 * 29267.25**2 * 0.01
    assert found["spot"] == 29267.25
    assert found["method"]["forwards"] == {"given": 1}
    assert found["gamma_exposure_usd_per_1pct"]["index_convention"] == pytest.approx(expected)
    assert "spot_is_forward" in found["notes"]


def test_without_a_spot_open_interest_alone_is_known(tmp_path: Path) -> None:
    rows = [level(), level(right="put", open_interest=30)]

    result, [found] = run(tmp_path, json_file(tmp_path / "oi.jsonl", rows))

    assert result.exit_code == 3
    assert found["spot"] is None
    assert found["open_interest"] == 40.0
    assert found["put_call_open_interest"] == 3.0
    assert set(found["gamma_exposure_usd_per_1pct"].values()) == {None}
    assert (found["zero_gamma"], found["by_strike"], found["coverage"]) == ([], [], 0.0)
    assert "--spot ACME=PRICE" in found["notes"]["no_spot"]
    assert found["notes"]["no_spot"] in result.stderr


def test_a_sum_over_nothing_that_can_be_priced_is_unknown(tmp_path: Path) -> None:
    rows = [level(implied_volatility=0, spot=100.0)]

    found = profile(tmp_path, json_file(tmp_path / "oi.jsonl", rows))

    assert set(found["gamma_exposure_usd_per_1pct"].values()) == {None}
    assert found["coverage"] == 0.0
    assert found["open_interest"] == 10.0
    assert found["zero_gamma_reason"]


def test_a_chain_that_is_not_what_it_claims_leaves_no_profile(tmp_path: Path) -> None:
    path = write(tmp_path / "SPX_2026-06-22.csv", EXAMPLE.read_text(encoding="utf-8"))

    result, [found] = run(tmp_path, path, "--plot", tmp_path / "page.html")

    assert result.exit_code == 3
    assert (found["underlying"], found["contracts"], found["as_of"]) == ("ACME", 0, None)
    assert found["rejected"]["wrong_symbol"] == 117
    assert found["files"][0]["verdict"] == "wrong_symbol"
    assert "wrong_symbol" in result.stderr
    assert "No chain could be used" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_a_table_older_than_its_head_is_said(tmp_path: Path) -> None:
    rows = [Row("2026-06-18", 100.0), Row("2026-07-17", 100.0, Side("20"), Side("10"))]
    path = write(tmp_path / "a.csv", cboe_text(rows, stated="Date: June 23, 2026 at 9:00 AM EDT"))

    found = profile(tmp_path, path)

    assert "2026-06-18" in found["notes"]["older_than_its_head"]
    assert found["rejected"] == {"expired": 2}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--layout", "lean"], "universes/goog/20151223.csv"),
        (["--layout", "native"], "expected a column underlying"),
        (["--as-of", "noon"], "--as-of"),
        (["--spot", "ACME=-1"], "--spot: expected SYMBOL=PRICE"),
        (["--spot", "ACME"], "--spot: expected SYMBOL=PRICE"),
        (["--split", "0:1"], "--split: expected SYMBOL=7:1 or 7:1"),
        (["--split", "ACME=7"], "--split: expected SYMBOL=7:1"),
        (["--plot", "page.png"], "--plot: expected the suffix .html"),
    ],
)
def test_wrong_options_end_with_status_2(
    tmp_path: Path, arguments: list[str], message: str
) -> None:
    result, found = run(tmp_path, EXAMPLE, *arguments)

    assert (result.exit_code, found) == (2, [])
    assert message in result.stderr


def test_a_figure_of_an_underlying_that_has_no_chain_is_told(tmp_path: Path) -> None:
    result, _ = run(tmp_path, EXAMPLE, "--split", "ACNE=7:1", "--spot", "ACME=100")

    assert result.exit_code == 0
    assert result.stderr.endswith(
        "--split ACNE: expected an underlying of the chains (ACME); not used\n"
    )
    assert "--spot" not in result.stderr


def test_a_file_of_no_known_layout_ends_with_status_2(tmp_path: Path) -> None:
    path = write(tmp_path / "prices.csv", "symbol,event_time,price\nA,1,2\n")

    result, found = run(tmp_path, path)

    assert (result.exit_code, found) == (2, [])
    for word in ("prices.csv", "Cboe", "LEAN", "underlying", "symbol,event_time,price"):
        assert word in result.stderr
    missing, _ = run(tmp_path, tmp_path / "none.csv")
    assert missing.exit_code == 2
    assert "none.csv" in missing.stderr


def test_a_table_is_no_output_for_nested_figures() -> None:
    result = CliRunner().invoke(main, ["options", str(EXAMPLE), "--output", "out.csv"])

    assert result.exit_code == 2
    assert "JSON lines" in result.stderr
