"""The shipped pagers with nobody replaced but those outside, by stand-ins on loopback."""

from pathlib import Path
from typing import Any

import yaml

from tests.support.outside_world import OutsideWorld

DEPLOYED = Path(__file__).resolve().parents[2] / "deploy" / "alertmanager"
SECRETS = "/etc/prometheus/secrets"


def config_for(world: OutsideWorld, directory: Path) -> str:
    """Return alertmanager-pagers.yml in a hurry: it tells `world`, secrets lie in `directory`."""
    secrets = {
        "slack_url": f"{world.url}/slack",
        "smtp_password": "mail's secret",
        "pagerduty_key": "pagerduty's secret",
        "archive_token": "archive's secret",
    }
    for name, secret in secrets.items():
        (directory / name).write_text(secret)
    text = (DEPLOYED / "alertmanager-pagers.yml").read_text()
    text = text.replace(SECRETS, str(directory))
    for outside in ("https://archive.example.com", "https://switch.example.com"):
        text = text.replace(outside, world.url)
    config: dict[str, Any] = yaml.safe_load(text)
    config["templates"] = [str(DEPLOYED / "forcedflow.tmpl")]
    config["global"] |= {
        "pagerduty_url": f"{world.url}/pagerduty",
        "telegram_api_url": f"{world.url}/telegram",
        "smtp_smarthost": world.smarthost,
        "smtp_require_tls": False,
    }
    _hurry(config["route"])
    # What the server fills its address into.
    return yaml.safe_dump(config).replace("{", "{{").replace("}", "}}")


def _hurry(route: dict[str, Any]) -> None:
    short = {
        "group_wait": "200ms",
        "group_interval": "300ms",
        "repeat_interval": "1s" if route["receiver"].startswith("dead-man") else "4h",
    }
    route |= {name: short[name] for name in short.keys() & route.keys()}
    for child in route.get("routes", []):
        _hurry(child)
