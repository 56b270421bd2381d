"""``--report``: what a replay says of the forecast and of the alerts, as a page or as JSON."""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import msgspec

from core.errors import ConfigError
from core.universe import Universe
from services.offline_alerts import OfflineAlerts
from services.output_files import writing
from services.report_figures import Figures, figures
from services.report_page import report_page
from services.report_samples import SampleTaker

SUFFIXES = (".html", ".json")


def check_report_suffix(path: Path) -> None:
    """Raise `ConfigError` if a report cannot be written in the format of the suffix."""
    if path.suffix not in SUFFIXES:
        message = f"--report: expected a suffix of {', '.join(SUFFIXES)}, it was {path.suffix!r}"
        raise ConfigError(message)


def write_reports(
    paths: Iterable[Path],
    taker: SampleTaker,
    *,
    universe: Universe,
    alerts: OfflineAlerts | None,
) -> Figures:
    """Write the report of a finished replay: as a page, or its figures alone as JSON.

    Returns
    -------
    Figures    what it says
    """
    samples = taker.samples()
    found = figures(
        samples,
        taker.last_rows,
        universe=universe,
        rules=alerts.rules if alerts else (),
        episodes=alerts.episodes if alerts else (),
    )
    for path in paths:
        if path.suffix == ".json":
            encoded = msgspec.json.encode(asdict(found))
            content = msgspec.json.format(encoded, indent=2) + b"\n"
        else:
            content = report_page(found, samples, universe).encode()
        with writing(path):
            path.write_bytes(content)
    return found
