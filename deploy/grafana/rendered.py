"""The dashboards as Grafana reads them."""

import json
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from deploy.grafana import close, dealers, room, service

FOLDER = Path(__file__).parent / "dashboards"
_DASHBOARDS = {
    "close.json": close.build,
    "options.json": dealers.build,
    "room.json": room.build,
    "service.json": service.build,
}


def rendered() -> dict[str, str]:
    """Return the JSON of each dashboard by the name of its file; the same text each time."""
    return {name: _text(build()) for name, build in _DASHBOARDS.items()}


def _text(page: object) -> str:
    document = json.loads(JSONEncoder().encode(page))
    return json.dumps(_without_nulls(document), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _without_nulls(part: object) -> object:
    """Leave out what the builders did not set; the first threshold has no value on purpose."""
    if isinstance(part, dict):
        return {
            name: _without_nulls(value)
            for name, value in part.items()
            if value is not None or name == "value"
        }
    return [_without_nulls(each) for each in part] if isinstance(part, list) else part
