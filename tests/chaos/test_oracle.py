"""The oracle of these tests against `forcedflow replay`, which reads the same events from files."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from core.columns import Partial
from core.sessions import NANOS_PER_SECOND
from services.cli import main
from tests.support.chaos_market import DAYS, WEEKEND, ChaosMarket, make_market
from tests.support.chaos_oracle import TOLERANCE, Expected, expected_at
from tests.support.chaos_script import plain_script
from tests.support.chaos_windows import Records


@pytest.fixture(scope="module", params=[DAYS, WEEKEND], ids=["days", "weekend"])
def market(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ChaosMarket:
    directory = tmp_path_factory.mktemp("market") / "universe"
    return make_market(directory, seed=7, events=20_000, days=request.param)


def test_sessions_end_as_those_of_the_replay(market: ChaosMarket, tmp_path: Path) -> None:
    records = Records(market)
    prices, flows, output = (tmp_path / name for name in ("p.jsonl", "f.jsonl", "rows.jsonl"))
    prices.write_bytes(b"\n".join(records.prices_json(market.prices)))
    flows.write_bytes(b"\n".join(records.flows_json(market.flows)))
    words = ("--prices", str(prices), "--flows", str(flows), "--output", str(output))
    universe = ("--universe", str(market.directory), "--every", "6h")
    result = CliRunner().invoke(main, ["replay", *universe, *words])
    assert result.exit_code == 0, result.output
    rows = [json.loads(line) for line in output.read_text().splitlines()]
    last = {row["symbol"]: row for row in rows if not row["seconds_to_close"]}

    expected = expected_at(plain_script(market), market.marks[-1])

    partial = expected.partial
    day = str(np.datetime64(market.marks[-1], "ns").astype("datetime64[D]"))
    of_day = np.datetime64(day).astype(np.int64)
    compared = 0
    # The struck ones have begun their next session at the last mark.
    for row in np.flatnonzero(partial.label == of_day).tolist():
        replayed = last[market.universe.symbol[row]]
        assert replayed["session"] == day
        assert partial.price[row] == replayed["price"]
        for name, column in (
            ("leveraged_rebalance_usd", "leveraged_usd"),
            ("creation_redemption_usd", "creation_usd"),
        ):
            found, wanted = getattr(partial, column)[row], replayed[name]
            if wanted is None:
                assert np.isnan(found)
            else:
                assert abs(found - wanted) <= TOLERANCE * expected.terms[column][row]
        compared += 1
    assert compared == 48


@pytest.mark.parametrize("column", ["price", "creation_usd", "variance", "label", "market_ns"])
def test_a_difference_in_any_column_is_found(market: ChaosMarket, column: str) -> None:
    expected = expected_at(plain_script(market), market.marks[-2])
    columns = {name: getattr(expected.partial, name) for name in Partial.__dataclass_fields__}
    changed = columns[column].copy()
    changed[0] += 1 if changed.dtype.kind == "i" else 1e-6 * np.nan_to_num(changed[0], nan=1.0)

    assert expected.difference(expected.partial) == ""
    assert expected.difference(Partial(**columns | {column: changed})).startswith(column)


def test_every_mark_comes_after_all_that_it_is_about(market: ChaosMarket) -> None:
    expected: list[Expected] = [expected_at(plain_script(market), mark) for mark in market.marks]

    for mark_ns, each in zip(market.marks, expected, strict=True):
        assert each.partial.as_of_ns.max() <= mark_ns
        assert mark_ns - each.partial.as_of_ns.max() <= 1800 * NANOS_PER_SECOND
