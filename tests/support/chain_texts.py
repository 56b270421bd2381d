"""Chain files as vendors write them: a test names what it is about, the rest is harmless.

The figures are made up: no vendor's quotes are copied.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

HEADER = (
    "Expiration Date,Calls,Last Sale,Net,Bid,Ask,Volume,IV,Delta,Gamma,Open Interest,Strike,"
    "Puts,Last Sale,Net,Bid,Ask,Volume,IV,Delta,Gamma,Open Interest"
)


@dataclass(frozen=True)
class Side:
    """One contract's cells, as texts."""

    open_interest: str = "10"
    implied_volatility: str = "0.2"
    gamma: str = "0.01"
    bid: str = "1"
    ask: str = "1.2"

    def cells(self, symbol: str) -> list[str]:
        return [
            symbol, "1.1", "0", self.bid, self.ask, "0", self.implied_volatility, "0.5",
            self.gamma, self.open_interest,
        ]  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One row of Cboe's table: a call, a strike and a put."""

    expiry: str
    strike: float
    call: Side = field(default_factory=Side)
    put: Side = field(default_factory=Side)
    root: str = "ACME"
    date_cell: str = ""
    strike_cell: str = ""

    def symbol(self, right: str) -> str:
        day = date.fromisoformat(self.expiry)
        return f"{self.root}{day:%y%m%d}{right}{round(self.strike * 1000):08d}"

    def cells(self) -> list[str]:
        day = date.fromisoformat(self.expiry)
        return [
            self.date_cell or f"{day:%a %b %d %Y}",
            *self.call.cells(self.symbol("C")),
            self.strike_cell or f"{self.strike:.2f}",
            *self.put.cells(self.symbol("P")),
        ]


def cboe_text(
    rows: Iterable[Row],
    *,
    stated: str = "Date: June 22, 2026 at 10:30 AM EDT",
    last: str = "Last: 100.00",
    delimiter: str = ",",
) -> str:
    """Return a file of Cboe's page."""
    head = [
        "",
        delimiter.join(["Acme Corporation", _quoted(last, delimiter), "Change:  0.5"]),
        delimiter.join(
            [_quoted(stated, delimiter), "Bid: 99.9", "Ask: 100.1", "Size: 1*1", '"Volume: 1,234"']
        ),
        HEADER.replace(",", delimiter),
    ]
    body = [delimiter.join(_quoted(cell, delimiter) for cell in row.cells()) for row in rows]
    return "\n".join([*head, *body, ""])


def _quoted(cell: str, delimiter: str) -> str:
    return f'"{cell}"' if delimiter in cell else cell


def write(path: Path, text: str) -> Path:
    """Write a text, folders included, and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


LEAN_HEADER = (
    "#expiry,strike,right,open,high,low,close,volume,open_interest,implied_volatility,"
    "delta,gamma,vega,theta,rho"
)


def lean_text(rows: Sequence[str], *, underlying_close: str = "100.5") -> str:
    """Return a universe file; ``rows`` are lines of contracts."""
    own = f",,,100,101,99,{underlying_close},1000,,,,,,,"
    return "\n".join([LEAN_HEADER, own, *rows, ""])


def lean_row(
    expiry: str,
    strike: str,
    right: str,
    *,
    open_interest: str = "10",
    implied_volatility: str = "0.2",
    gamma: str = "0.01",
) -> str:
    """Return the line of one contract."""
    contract, figures = f"{expiry},{strike},{right}", f"{open_interest},{implied_volatility}"
    return f"{contract},1,1,1,1,0,{figures},0.5,{gamma},0,0,0"
