"""Tests marked ``debian(package)`` need a program that a Debian package brings.

In CI a missing program fails the test; elsewhere the test is deselected and the run says so.
"""

import os
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

_LIST = Path(__file__).resolve().parents[2] / "deploy" / "debian-packages.txt"


class Package(NamedTuple):
    name: str
    program: str
    purpose: str


def missing_packages() -> dict[str, Package]:
    """Return the listed packages whose program is not on the PATH, by name."""
    lines = [line for line in _LIST.read_text().splitlines() if not line.startswith("#")]
    packages = [Package(*(cell.strip() for cell in line.split("|"))) for line in lines]
    return {package.name: package for package in packages if not shutil.which(package.program)}


def lacking(item: pytest.Item) -> list[str]:
    """Return the packages this test needs and this machine lacks."""
    missing = missing_packages()
    return [mark.args[0] for mark in item.iter_markers("debian") if mark.args[0] in missing]


def deselect(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take out of `items` what cannot run here; in CI leave it to fail."""
    if os.environ.get("CI") == "true":
        return
    left_out = [item for item in items if lacking(item)]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


def fail_if_lacking(item: pytest.Item) -> None:
    """Fail a test whose program is not there: in CI every program is installed first."""
    if packages := lacking(item):
        pytest.fail(f"the Debian package {', '.join(packages)} is not installed", pytrace=False)


def untested() -> list[str]:
    """Return one line for each package whose tests are left out of this run."""
    if os.environ.get("CI") == "true":
        return []
    return [
        f"not tested, because the Debian package {package.name} is missing: {package.purpose}"
        for package in missing_packages().values()
    ]
