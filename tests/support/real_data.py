"""Recorded market data beside the project: tests run on them where they are, and never copy them.

``FORCEDFLOW_DATA`` names their folder.
"""

import os
from pathlib import Path

import pytest

_BESIDE = Path(__file__).resolve().parents[2] / "../shared/data"

FOLDER = Path(os.environ.get("FORCEDFLOW_DATA", _BESIDE)).resolve()

needs_real_data = pytest.mark.skipif(
    not FOLDER.is_dir(),
    reason=f"no recorded market data in {FOLDER}; FORCEDFLOW_DATA names another folder",
)
