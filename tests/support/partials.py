"""Comparing partials."""

from dataclasses import fields, is_dataclass

import numpy as np

from core.columns import Partial


def assert_same_partial(one: Partial, other: Partial) -> None:
    """Fail unless every column of two partials is the same, bit for bit."""
    for field in fields(Partial):
        _assert_same(getattr(one, field.name), getattr(other, field.name))


def _assert_same(one: object, other: object) -> None:
    if is_dataclass(one):
        for field in fields(one):
            _assert_same(getattr(one, field.name), getattr(other, field.name))
    else:
        np.testing.assert_array_equal(one, other)
