"""docs/settings.md: the page says every setting there is."""

import importlib
from pathlib import Path

from services.settings_base import Settings
from services.settings_names import SECTIONS
from services.settings_page import settings_page

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/settings.md"


def test_the_page_is_what_the_settings_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == settings_page(), "write it anew with: make docs"


def test_no_process_has_a_section_that_is_not_there() -> None:
    for path in (ROOT / "services").glob("*_settings.py"):
        importlib.import_module(f"services.{path.stem}")
    sections = {name for each in Settings.__subclasses__() for name in each.model_fields}

    page = settings_page()

    assert {"worker", "gateway", "alerter", "stack", "options", "silence"} <= sections
    assert [name for name in sorted(sections) if f"## `[{name}]`" not in page] == []
    assert sorted(sections) == sorted(SECTIONS)


def test_every_section_has_its_readers_and_its_settings() -> None:
    page = settings_page()
    sections = dict(part.split("`", 1) for part in page.replace("## `[", "\0").split("\0")[1:])

    assert {"kafka]", "redis]", "universe]", "worker]", "gateway]", "alerter]", "stack]"} < set(
        sections
    )
    options = sections["options]"]
    assert "Read by `worker`, `replay`, `options`, `run`." in options
    assert "| `dealer_close_share` | `0.0` | " in options
    assert "hold: `index_convention`, `customers_long`, `inverted`, `user_signed` |" in options
    assert "| `rules` | required | " in sections["alerter]"]
    assert "password" in sections["redis]"]
    assert "| `password_file` | none | " in sections["redis]"]
