"""The profiles of option chains as one page: no scripts, no other files."""

from collections.abc import Sequence
from html import escape
from typing import Any

from services.option_charts import expiry_chart, price, spot_chart, strike_chart
from services.option_profile import Finding
from services.option_table import leading_model, words_of
from services.page_style import STYLE
from services.screen import UNKNOWN, percent, usd

_OWN_STYLE = (
    "figure{margin:1rem 0}.calls{fill:#2f6fb2}.puts{fill:#c4442e}.net{fill:#1c2733}"
    ".long{fill:#2f6fb2;opacity:.16}.short{fill:#c4442e;opacity:.16}"
    ".mark{stroke:#33424f;stroke-dasharray:2 3}"
    "@media (prefers-color-scheme:dark){.mark{stroke:#b9c5d0}.net{fill:#dde5ec}}"
)
_EXPLAINED = (
    "Gamma exposure is how much delta dealers gain or lose when the price moves by 1 %, in USD. "
    "Long gamma (above zero) they sell rallies and buy dips; short gamma (below) they do the "
    "opposite, and amplify moves. Open interest has no sign: who is long is a guess, the index "
    "convention being that dealers are long the calls and short the puts. Open interest is a "
    "figure of the morning, so at any later time this is <b>a repricing of a static inventory</b>: "
    "what was opened and closed since is not in it."
)


def options_page(findings: Sequence[Finding], documents: Sequence[dict[str, Any]]) -> str:
    """Return the whole page as HTML; ``documents`` are the objects of the findings, in order."""
    names = ", ".join(finding.choice.underlying for finding in findings)
    parts = [
        f"<title>forcedflow options: {escape(names)}</title>",
        f"<style>{STYLE}{_OWN_STYLE}</style>",
        f"<h1>Dealers' gamma: {escape(names)}</h1><p>{_EXPLAINED}</p>",
        *(_section(*pair) for pair in zip(findings, documents, strict=True)),
    ]
    head = '<!doctype html><html lang="en"><meta charset="utf-8">'
    return f"{head}<meta name=viewport content='width=device-width'>{''.join(parts)}</html>\n"


def _section(finding: Finding, document: dict[str, Any]) -> str:
    heading = f"<h2>{escape(document['underlying'])}</h2><p>{_when(document)}</p>"
    return f"{heading}{_notes(document)}{_figures(finding, document)}{_refused(document)}"


def _when(document: dict[str, Any]) -> str:
    if document["as_of"] is None:
        return "No chain could be used."
    stated = document["spot"]
    spot = f"spot {price(stated)}" if stated is not None else "spot unknown"
    session = document["open_interest_session"] or UNKNOWN
    return (
        f"As of {escape(document['as_of'])}, {spot}; open interest of {session}"
        f"{', not the newest session' if document['stale'] else ''}."
    )


def _notes(document: dict[str, Any]) -> str:
    items = "".join(f"<li>{escape(says)}</li>" for says in document["notes"].values())
    return f"<ul class='no'>{items}</ul>" if items else ""


def _figures(finding: Finding, document: dict[str, Any]) -> str:
    if finding.profile is None or document["coverage"] == 0.0:
        return ""
    profile = finding.profile
    reason = document["zero_gamma_reason"]
    levels = f"No zero-gamma level: {escape(reason)}. " if reason else ""
    return (
        f"{_tiles(document)}"
        f"<figure>{spot_chart(profile)}<figcaption><b>By spot.</b> Exposure if the price moved "
        f"there now, volatilities unchanged, under {words_of(leading_model(document))}. "
        f"{levels}</figcaption></figure>"
        f"<figure>{strike_chart(profile)}<figcaption><b>By strike.</b> Calls up, puts down "
        "(index convention), net dotted; where 99 % of the gamma lies.</figcaption></figure>"
        f"<figure>{expiry_chart(profile)}<figcaption><b>By expiry.</b> Calls up, puts down, "
        "net dotted.</figcaption></figure>"
    )


def _tiles(document: dict[str, Any]) -> str:
    exposure = document["gamma_exposure_usd_per_1pct"]
    model = leading_model(document)
    levels = document["zero_gamma"]
    nearest = min(levels, key=lambda each: abs(each["distance"]), default=None)
    ratio = document["put_call_open_interest"]
    guesses = sorted(exposure.values())
    tiles = [
        (usd(exposure.get(model)), f"USD per 1 %, {words_of(model)}"),
        (f"{usd(guesses[0])} … {usd(guesses[-1])}", "over all guesses of who is long"),
        (
            usd(document["vendor_gamma_exposure_usd_per_1pct"]),
            "by the vendor's gamma, index convention",
        ),
        (
            f"{price(nearest['level'])} ({percent(nearest['distance'])})" if nearest else UNKNOWN,
            f"zero gamma{f', the nearest of {len(levels)}' if len(levels) > 1 else ''}",
        ),
        (
            f"{_strike(document['put_wall'])} | {_strike(document['call_wall'])}",
            "put wall | call wall",
        ),
        (UNKNOWN if ratio is None else f"{ratio:.2f}", "puts for each call"),
        (percent(document["risk_reversal_25d_30d"], 2), "risk reversal, call − put"),
        (percent(document["share_0dte"]).lstrip("+"), "of gross gamma is 0DTE"),
    ]
    cells = "".join(
        f'<div class="tile"><b>{escape(value)}</b><span>{escape(words)}</span></div>'
        for value, words in tiles
    )
    return f'<div class="tiles">{cells}</div>'


def _strike(strike: float | None) -> str:
    return UNKNOWN if strike is None else price(strike)


def _refused(document: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td>{escape(reason.replace('_', ' '))}</td><td>{count:,}</td></tr>"
        for reason, count in document["rejected"].items()
    )
    files = "".join(
        f"<tr><td>{escape(each['file'])}</td><td>{escape(each['as_of'])}</td>"
        f"<td>{each['contracts']:,}</td><td>{escape(each['verdict'].replace('_', ' '))}</td></tr>"
        for each in document["files"]
    )
    refused = (
        f"<table><tr><th>not used or not priced</th><th>contracts</th></tr>{rows}</table>"
        if rows
        else ""
    )
    share = percent(document["coverage"]).lstrip("+")
    priced = f"{share} of the open interest of {document['contracts']:,} contracts is priced. "
    method = document["method"]
    forwards = (
        ", ".join(f"{name} {count}" for name, count in method["forwards"].items())
        if method
        else UNKNOWN
    )
    return (
        f"<details><summary>What it rests on</summary><p>{priced}Forwards of the expiries: "
        f"{escape(forwards)}.</p>{refused}<table><tr><th>file</th><th>stated</th>"
        f"<th>contracts</th><th>verdict</th></tr>{files}</table></details>"
    )
