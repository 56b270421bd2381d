"""Programs that come inside the wheels of the extra ``embedded``."""

import importlib.util
from pathlib import Path

from services.child_process import ChildError


def wheel_program(package: str, relative: str) -> Path:
    """Return a file that ships inside an installed package, without importing the package."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ChildError(
            f"the embedded servers need the package {package}: install forcedflow[embedded]"
        )
    program = Path(spec.origin).parent / relative
    if not program.is_file():
        raise ChildError(f"expected {relative} inside the package {package}, in {program.parent}")
    return program
