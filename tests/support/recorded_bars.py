"""Universes around the recorded bars: real funds with round assets, stated for one session."""

from collections.abc import Mapping
from pathlib import Path

FIRST_SESSION = "2025-05-12"
"""First of the five-minute bars."""
STATED_CLOSES = {"QQQ": 490.0, "NVDA": 117.0, "MSTR": 404.9, "TSLA": 298.0}
"""Previous closes stated for it."""
FIRST_MINUTES = "2025-04-30"
"""First session of the minutes of QQQ."""
STATED_BEFORE_MINUTES = {"QQQ": 472.0}

FUNDS = {
    "QQQ": {"TQQQ": (3.0, 25e9), "SQQQ": (-3.0, 2.5e9), "QLD": (2.0, 8e9), "PSQ": (-1.0, 0.5e9)},
    "NVDA": {"NVDL": (2.0, 4e9), "NVD": (-2.0, 0.2e9)},
    "MSTR": {"MSTU": (2.0, 1e9), "MSTZ": (-2.0, 0.1e9)},
    "TSLA": {"TSLL": (2.0, 6e9), "TSLQ": (-2.0, 0.3e9)},
}
"""By reference and fund: leverage factor, assets in USD."""


def write_universe(folder: Path, *, previous_close: Mapping[str, float], session: str) -> None:
    """Write references and funds whose figures hold from `session` on."""
    references = ["symbol,name,venue,currency,previous_close,adv_usd,auction_usd,daily_volatility"]
    references += [f"{s},{s},XNAS,USD,{close},1e10,1e9,0.02" for s, close in previous_close.items()]
    funds = [
        (
            "fund,name,issuer,venue,reference,leverage_factor,reset,vehicle,assets_usd,"
            "effective_at,known_at,listed_on"
        )
    ]
    funds += [
        f"{fund},{fund},issuer,XNAS,{symbol},{factor},daily,swap,{assets},{session},,2020-01-02"
        for symbol in previous_close
        for fund, (factor, assets) in FUNDS[symbol].items()
    ]
    folder.mkdir()
    (folder / "references.csv").write_text("\n".join(references) + "\n")
    (folder / "funds.csv").write_text("\n".join(funds) + "\n")
