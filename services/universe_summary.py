"""What a universe holds, in lines of text."""

from collections.abc import Mapping

from services.universe_files import UniverseSummary


def summary_lines(summary: UniverseSummary) -> list[str]:
    """Return a line for each number."""
    return [f"{name:<18} {value}" for name, value in _lines(summary)]


def _lines(summary: UniverseSummary) -> list[tuple[str, str]]:
    return [
        ("version", summary.version),
        ("references", f"{summary.references} ({_counts(summary.venues)})"),
        ("funds", str(summary.funds)),
        ("uncovered funds", _counts(summary.uncovered_funds) or "0"),
        ("unknown assets", str(summary.unknown_assets)),
        ("reference figures", str(summary.reference_figures)),
        ("fund figures", str(summary.fund_figures)),
        ("rooms", str(summary.rooms)),
        ("price listings", str(summary.price_listings)),
        ("price factors", str(summary.price_factors)),
    ]


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())
