"""The page that lies beside a simulated market and says what it is."""

from collections.abc import Mapping, Sequence
from datetime import date

from services import scenario_tables as tables
from services.scenario_sessions import Session
from services.scenario_tables import WEEKDAYS

TEXT = """# A simulated market

**Simulated.** Written by `forcedflow scenario --seed {seed} {dates}`;
the same command writes the same bytes. Nothing here is a quote, a record or a statement about any
product.

- The products, their references and their leverage factors are real. Assets, volumes, volatilities
  and prices are round figures of a plausible order of magnitude, for illustration only.
- {references} references in New York, Seoul, Tokyo and Hong Kong, and {funds} funds;
  {assets:.0f} bn USD of leveraged and inverse assets.
- It goes as the week of 22 to 26 June 2026 went. Each reference closes at the returns below: as
  recorded, rounded to a quarter of a percent, or **illustrative** where the last column says so.
  The way there is random, and so is how much of a day's return falls into the night before.
- Day by day:
{story}
- Assets and previous closes are stated once, before the first session; from there they follow from
  prices and creations. Some figures come late (`known_at`). On Thursday one fund changes its
  leverage and one share splits: both are invented.
- `adv_usd` of an index counts its futures and constituents, not the tracking fund alone.
- {prices} prices by event time. On purpose, one row in a thousand arrives late and one in a
  thousand twice; some symbols are in no universe; some trades come after the close.
- Creations are cumulative for the session: whole units at the NAV of the moment.
- Open interest is one level a contract on every morning in New York; nothing in it is recorded.

| file | what |
|---|---|
| `universe/` | references, funds, rooms, listings, splits |
| `prices.jsonl` | trades and official closes |
| `etf-flows.jsonl` | creations and redemptions |
| `open-interest.jsonl` | listed options: open interest and implied volatility |
| `rules.yaml` | thresholds under which these days are worth watching |

```
forcedflow replay --universe universe --prices prices.jsonl --flows etf-flows.jsonl \
    --open-interest open-interest.jsonl --rules rules.yaml --alerts alerts.csv --output rows.csv
```

"""


def readme(
    sessions: Mapping[str, Sequence[Session]], *, seed: int, days: tuple[date, date], prices: int
) -> str:
    """Return the page for one scenario; ``sessions`` are those of each reference, by date."""
    funds = tables.table("funds")
    assets = sum(
        float(fund["assets_usd"]) for fund in funds if float(fund["leverage_factor"]) != 1.0
    )
    first, last = days
    text = TEXT.format(
        seed=seed,
        dates=f"--date {first}" if first == last else f"--from {first} --until {last}",
        references=len(tables.instruments()),
        funds=len(funds),
        assets=assets / 1e9,
        story=_story(sessions),
        prices=prices,
    )
    return text + _returns(sessions)


def _days(sessions: Mapping[str, Sequence[Session]]) -> list[Session]:
    """Return one session of each day, by date."""
    days = {session.label: session for own in sessions.values() for session in own}
    return [days[label] for label in sorted(days)]


def _story(sessions: Mapping[str, Sequence[Session]]) -> str:
    what = {row["weekday"]: row["what"] for row in tables.table("weekdays")}
    return "\n".join(f"  - {day.day}: {what[WEEKDAYS[day.weekday]]}" for day in _days(sessions))


def _returns(sessions: Mapping[str, Sequence[Session]]) -> str:
    days = [day.day for day in _days(sessions)]
    recorded = {row["symbol"]: row["recorded_as"] for row in tables.table("returns")}
    rows = [
        ["reference", "", *days, "as recorded of"],
        ["---"] * (len(days) + 3),
    ]
    for row in tables.table("references"):
        closes = {
            session.day: f"{session.close_return:+.2%}" for session in sessions[row["symbol"]]
        }
        source = recorded[row["symbol"]] or "illustrative"
        rows.append([row["symbol"], row["name"], *(closes.get(day, "") for day in days), source])
    return "".join(f"| {' | '.join(cells)} |\n" for cells in rows)
