"""Conventions no linter knows; each check says why it is there."""

import importlib.util
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = ("core", "streams", "services", "deploy", "docs", "tests", "bench")
MAX_LINES = 400
CLOCK_READ = re.compile(r"\btime\.time(_ns)?\(|\bdatetime\.now\(|\.utcnow\(")
# Put together here, so that this file does not name what it looks for.
OUTSIDE = "../" + "shared"


def sources(*folders: str, suffix: str = ".py") -> Iterator[Path]:
    for folder in folders:
        yield from sorted((ROOT / folder).rglob(f"*{suffix}"))


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_only_the_clock_module_reads_the_wall_clock() -> None:
    # Replays and tests hold only where every other module is handed its time.
    found = [
        f"{named(path)}:{number}"
        for path in sources("core", "streams", "services")
        if named(path) != "services/clock.py"
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if CLOCK_READ.search(line)
    ]

    assert found == []


def test_no_source_file_is_longer_than_one_idea() -> None:
    # A file past this length holds more than one idea.
    found = [
        named(path)
        for path in sources("core", "streams", "services", "tests", "bench")
        if len(path.read_text().splitlines()) > MAX_LINES
    ]

    assert found == []


def test_only_the_real_data_locator_names_a_folder_outside() -> None:
    # A clone works by itself; the recorded market data beside it are an optional extra.
    texts = [ROOT / "Makefile", ROOT / "pyproject.toml", *ROOT.glob("*.md")]
    texts += [path for path in sources(*SHIPPED, suffix="") if path.suffix != ".pyc"]
    found = [
        named(path)
        for path in texts
        if path.is_file()
        and named(path) != "tests/support/real_data.py"
        and OUTSIDE.encode() in path.read_bytes()
    ]

    assert found == []


def test_top_level_names_come_from_this_tree() -> None:
    # Packages called core, streams or services exist elsewhere; an installed one must not win.
    for name in ("core", "streams", "services"):
        spec = importlib.util.find_spec(name)

        assert spec is not None
        assert spec.origin == str(ROOT / name / "__init__.py")


def test_every_dependency_has_its_reason_in_the_docs() -> None:
    # A package nobody can explain is one nobody dares to remove.
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    explained = (ROOT / "docs" / "dependencies.md").read_text()

    packages = [re.split("[<>=]", requirement)[0] for group in groups for requirement in group]

    assert [package for package in packages if f"`{package}`" not in explained] == []


def test_every_test_the_guarantees_name_exists() -> None:
    # A promise without its test is a hope.
    page = (ROOT / "docs" / "guarantees.md").read_text()
    named_tests = re.findall(r"`([a-z0-9_]+/test_[a-z0-9_]+\.py)(?:::(test_[a-z0-9_]+))?`", page)

    missing = [
        f"{file}::{test}"
        for file, test in named_tests
        if not (path := ROOT / "tests" / file).is_file()
        or f"def {test or ''}" not in path.read_text()
    ]

    assert len(named_tests) > 30
    assert missing == []
