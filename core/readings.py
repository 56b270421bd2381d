"""What a rule reads of the view: one signed value a subject, with the session it belongs to."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from core.columns import Bools, Floats, Int64s, View
from core.drifts import drifts_ns
from core.groups import SubjectRows, sum_groups
from core.subjects import Subjects, subjects
from core.thresholds import Rule
from core.universe import Universe


class Reading(NamedTuple):
    """One entry of `Readings`, in Python's own numbers."""

    value: float
    is_known: bool
    label: int
    close_ns: int
    market_ns: int
    as_of_ns: int


@dataclass(frozen=True, eq=False)
class Readings:
    """What one rule judges at one moment, one entry a subject.

    Attributes
    ----------
    subjects : Subjects
    value : float64[m]           the measure, its sign is the side; NaN where unknown
    is_known : bool[m]           whether the value may be judged
    label : int64[m]             session of the value
    active_from_ns, close_ns : int64[m]      from when, and until before when, it is judged
    market_ns : int64[m]         the subject's market time
    as_of_ns : int64[m]          newest input behind the value
    changes_ns : int64[m]        when the value changes next without any input, ``NEVER_NS`` if not
    """

    subjects: Subjects
    value: Floats
    is_known: Bools
    label: Int64s
    active_from_ns: Int64s
    close_ns: Int64s
    market_ns: Int64s
    as_of_ns: Int64s
    changes_ns: Int64s

    def of(self, name: str) -> Reading | None:
        """Return what is read of one subject, None where the rule does not judge it."""
        row = self.subjects.row.get(name)
        if row is None:
            return None
        return Reading(
            value=float(self.value[row]),
            is_known=bool(self.is_known[row]),
            label=int(self.label[row]),
            close_ns=int(self.close_ns[row]),
            market_ns=int(self.market_ns[row]),
            as_of_ns=int(self.as_of_ns[row]),
        )


def read(rule: Rule, view: View, universe: Universe) -> Readings:
    """Return what the rule judges of the view, whose rows are the universe's references."""
    whom = subjects(rule, universe)
    if rule.scope == "symbol":
        rows = _symbol_rows(rule.measure, view, whom)
    else:
        rows = sum_groups(rule.measure, view, universe, subjects=whom)
    return Readings(
        subjects=whom,
        value=rows.value,
        is_known=rows.is_known,
        label=rows.label,
        active_from_ns=_active_from(rule, rows.open_ns, rows.close_ns),
        close_ns=rows.close_ns,
        market_ns=rows.market_ns,
        as_of_ns=rows.as_of_ns,
        changes_ns=rows.changes_ns,
    )


def _symbol_rows(measure: str, view: View, whom: Subjects) -> SubjectRows:
    at = whom.member
    value = view.numeric[measure][at]
    return SubjectRows(
        value=value,
        is_known=~view.is_unknown[at] & np.isfinite(value),
        label=view.label[at],
        open_ns=view.open_ns[at],
        close_ns=view.close_ns[at],
        market_ns=view.market_ns[at],
        as_of_ns=view.as_of_ns[at],
        changes_ns=drifts_ns(measure, view, at),
    )


def _active_from(rule: Rule, open_ns: Int64s, close_ns: Int64s) -> Int64s:
    after_open = open_ns + rule.after_open_ns
    if rule.before_close_ns is None:
        return after_open
    return np.maximum(after_open, close_ns - rule.before_close_ns)
