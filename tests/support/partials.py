"""Comparing partials."""

from dataclasses import fields

import numpy as np

from core.columns import Partial


def assert_same_partial(one: Partial, other: Partial) -> None:
    """Fail unless every column of two partials is the same, bit for bit."""
    for field in fields(Partial):
        if field.name != "curves":
            np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name))
    for field in fields(one.curves):
        np.testing.assert_array_equal(
            getattr(one.curves, field.name), getattr(other.curves, field.name)
        )
