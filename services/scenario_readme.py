"""The page that lies beside a simulated market and says what it is."""

from datetime import date

from services import scenario_tables as tables

TEXT = """# A simulated market

**Simulated.** Written by `forcedflow scenario --seed {seed} --date {day}`; the same command writes
the same bytes. Nothing here is a quote, a record or a statement about any product.

- The products, their references and their leverage factors are real. Assets, volumes, volatilities
  and prices are round figures of a plausible order of magnitude, for illustration only.
- {references} references in New York, Seoul and Hong Kong, {funds} funds with
  {assets:.0f} bn USD of leveraged and inverse assets.
- The day is a rout in the manner of 23 June 2026: chip shares fall in Seoul, where a circuit
  breaker stops trading for twenty minutes, then in New York, hardest after 14:00. Each reference
  closes at the return below; the way there is random.
- `adv_usd` of an index counts its futures and constituents, not the tracking fund alone.
- {prices} prices by event time. On purpose, one row in a thousand arrives late and one in a
  thousand twice; some symbols are in no universe; some trades come after the close.
- Creations are cumulative for the session: whole units at the NAV of the moment.

| file | what |
|---|---|
| `universe/` | references, funds, rooms, listings |
| `prices.jsonl` | trades and official closes |
| `etf-flows.jsonl` | creations and redemptions |
| `rules.yaml` | thresholds under which this day is worth watching |

| reference | | return at the close |
|---|---|---|
"""


def readme(*, seed: int, day: date, prices: int) -> str:
    """Return the page for one scenario."""
    funds = tables.table("funds")
    assets = sum(
        float(fund["assets_usd"]) for fund in funds if float(fund["leverage_factor"]) != 1.0
    )
    head = TEXT.format(
        seed=seed,
        day=day,
        references=len(tables.instruments()),
        funds=len(funds),
        assets=assets / 1e9,
        prices=prices,
    )
    names = {row["symbol"]: row["name"] for row in tables.table("references")}
    rows = [
        f"| {instrument.symbol} | {names[instrument.symbol]} | {instrument.close_return:+.1%} |"
        for instrument in tables.instruments()
    ]
    return head + "\n".join(rows) + "\n"
