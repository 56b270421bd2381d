"""The profiles of option chains as a table for a terminal, and as lines for a log."""

from collections.abc import Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from core.dealer_signs import INDEX_CONVENTION
from services.screen import UNKNOWN, percent, usd

_NAMES_WIDTH = 26
_LEAST_WIDTH = 30
"""Terminal cells that the names of figures take, and an underlying's column at the least."""

Document = dict[str, Any]


class OptionsTable:
    """One column an underlying, in as many tables below one another as the screen needs."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self._documents = documents

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        del console
        fit = max((options.max_width - _NAMES_WIDTH) // _LEAST_WIDTH, 1)
        for first in range(0, len(self._documents), fit):
            yield _table(self._documents[first : first + fit])
        for each in self._documents:
            yield from (Text(line, style="yellow") for line in _notes(each))


def _table(documents: Sequence[Document]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("", no_wrap=True)
    for each in documents:
        table.add_column(each["underlying"], justify="right")
    leading = next((leading_model(each) for each in documents if each["method"]), "")
    known = (name for each in documents for name in each["gamma_exposure_usd_per_1pct"])
    models = list(dict.fromkeys([leading or INDEX_CONVENTION.name, *known]))
    columns = [_cells(each, models) for each in documents]
    for name in columns[0]:
        table.add_row(name, *(column[name] for column in columns))
    return table


def summary_lines(documents: Sequence[Document]) -> list[str]:
    """Return a line an underlying, and what is to be known of it, for a pipe or a log."""
    lines = []
    for each in documents:
        model = leading_model(each)
        exposure = each["gamma_exposure_usd_per_1pct"].get(model)
        says = "gamma exposure unknown"
        if exposure is not None:
            levels = len(each["zero_gamma"])
            says = (
                f"{usd(exposure)} USD per 1 % ({words_of(model)}), "
                f"{levels} zero-gamma level{'' if levels == 1 else 's'}"
            )
        stated = each["as_of"] or UNKNOWN
        lines.append(f"{each['underlying']} {stated}: {each['contracts']} contracts, {says}")
        lines += [f"  {line}" for line in _notes(each)]
    return lines


def leading_model(document: Document) -> str:
    """Return the sign model that the zero-gamma levels are of, and what is shown first."""
    method = document["method"]
    return method["zero_gamma_model"] if method else INDEX_CONVENTION.name


def words_of(model: str) -> str:
    """Return a sign model's name as people read it."""
    return model.replace("_", " ")


def _notes(document: Document) -> list[str]:
    name = document["underlying"]
    rejected = [f"{reason} {count:,}" for reason, count in document["rejected"].items()]
    lines = [f"{name}: not used or not priced: {', '.join(rejected)}"] if rejected else []
    lines += [f"{name}: {says}" for says in document["notes"].values()]
    if document["stale"] and document["open_interest_session"]:
        lines.append(f"{name}: open interest of {document['open_interest_session']}")
    return lines


def _cells(document: Document, models: Sequence[str]) -> dict[str, str]:
    """Return what is shown of an underlying by its words; the first sign model leads."""
    exposure = document["gamma_exposure_usd_per_1pct"]
    cells = {
        "as of": (document["as_of"] or UNKNOWN)[:16].replace("T", " "),
        "spot": _price(document["spot"]),
        "gamma exposure per 1 %": usd(exposure.get(models[0])),
    }
    for model in models[1:]:
        cells[f"  {words_of(model)}"] = usd(exposure.get(model))
    ratio = document["put_call_open_interest"]
    skew, today = document["risk_reversal_25d_30d"], document["share_0dte"]
    return cells | {
        "  by the vendor's gamma": usd(document["vendor_gamma_exposure_usd_per_1pct"]),
        "zero gamma": _levels(document),
        "call wall": _price(document["call_wall"]),
        "put wall": _price(document["put_wall"]),
        "largest gamma": _price(document["largest_gamma_strike"]),
        "put/call open interest": UNKNOWN if ratio is None else f"{ratio:.2f}",
        "risk reversal 25Δ 30d": percent(skew, 2),
        "share of 0DTE": percent(today).lstrip("+"),
        "contracts": f"{document['contracts']:,}",
        "open interest": _count(document["open_interest"]),
        "  of it priced": percent(document["coverage"]).lstrip("+"),
    }


def _levels(document: Document) -> str:
    levels = document["zero_gamma"]
    if not levels:
        return UNKNOWN
    return "\n".join(
        f"{_price(each['level'])} ({percent(each['distance'])}, "
        f"{'long' if each['long_above'] else 'short'} above)"
        for each in levels
    )


def _price(price: float | None) -> str:
    return UNKNOWN if price is None else f"{price:,.2f}"


def _count(count: float | None) -> str:
    return UNKNOWN if count is None else f"{count:,.0f}"
