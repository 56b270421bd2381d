"""Where a page points to: the alert's runbook, its dashboard, and the replay of its minute."""

import shlex
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

from core.alerts import AlertKey
from core.sessions import NANOS_PER_SECOND, NO_TIME
from services.rows import session_text, time_text

RUNBOOKS = "docs/runbooks"
DASHBOARDS = "deploy/grafana/dashboards"

_MINUTE_NS = 60 * NANOS_PER_SECOND
_SHOWN_BEFORE_NS = 60 * _MINUTE_NS
_SHOWN_AFTER_NS = 30 * _MINUTE_NS
_MILLISECOND_NS = 1_000_000

_VARIABLES = {"symbol": ("symbol", "focus"), "venue": ("venue",), "room": ("room",)}
"""The dashboards' variables that show an alert's subject, by its scope."""


def replay_files(market: Path) -> str:
    """Return the options that name the files of a simulated market."""
    named = {
        "universe": "universe",
        "prices": "prices.jsonl",
        "flows": "etf-flows.jsonl",
        "open-interest": "open-interest.jsonl",
    }
    return shlex.join(
        word for option, name in named.items() for word in (f"--{option}", str(market / name))
    )


REPLAY_FILES = replay_files(Path())


@dataclass(frozen=True)
class Links:
    """Bases of what a page links to.

    Attributes
    ----------
    runbooks : str          address or folder; a runbook is called as its alert
    dashboards : str        address of a Grafana, or the folder of the dashboards' files
    replay_files : str      options of ``forcedflow replay`` that name the recorded files;
                            ``{session}`` in them is the session's date
    """

    runbooks: str = RUNBOOKS
    dashboards: str = DASHBOARDS
    replay_files: str = REPLAY_FILES

    def of(
        self, key: AlertKey, *, label: int, time_ns: int, zone: str, host_ns: int
    ) -> dict[str, str]:
        """Return the annotations of one alert that point elsewhere, as of a market time.

        ``host_ns`` is host time: Prometheus dates what it reads by it, also of a replayed day.
        """
        return {
            "runbook_url": self.runbook(key),
            "dashboard_url": self._dashboard(key, host_ns),
            "replay": self._replay(label, time_ns, zone),
        }

    def runbook(self, key: AlertKey) -> str:
        """Return where an alert's runbook lies; what is told of others has theirs."""
        name = key.alertname.removesuffix("Others").removesuffix("Escalated")
        return f"{self.runbooks.rstrip('/')}/{quote(name)}.md"

    def _dashboard(self, key: AlertKey, host_ns: int) -> str:
        base = self.dashboards.rstrip("/")
        name = "room" if key.scope == "room" else "close"
        if "://" not in base:
            return f"{base}/{name}.json"
        query = {f"var-{variable}": key.symbol for variable in _VARIABLES.get(key.scope, ())}
        query["from"] = str((host_ns - _SHOWN_BEFORE_NS) // _MILLISECOND_NS)
        query["to"] = str((host_ns + _SHOWN_AFTER_NS) // _MILLISECOND_NS)
        return f"{base}/d/forcedflow-{name}?{urlencode(query)}"

    def _replay(self, label: int, time_ns: int, zone: str) -> str:
        files = self.replay_files.replace("{session}", session_text(label) or "SESSION")
        command = f"forcedflow replay {files}"
        if time_ns != NO_TIME:
            minute_ns = time_ns // _MINUTE_NS * _MINUTE_NS
            start, end = (time_text(at, zone) for at in (minute_ns, minute_ns + _MINUTE_NS))
            command += f" --from {start} --until {end}"
        return f"{command} --output replay.csv"


REPOSITORY = Links()
"""Links to the files of this repository, for those who set no addresses."""


def check_replay_files(options: str) -> str:
    """Return the options, or raise ValueError where a shell would not read them."""
    try:
        shlex.split(options)
    except ValueError as error:
        raise ValueError(f"expected options of forcedflow replay, it was {options!r}") from error
    return options
