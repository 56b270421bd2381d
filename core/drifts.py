"""When what is judged changes next although nothing comes in: as time passes."""

import numpy as np

from core.columns import Int64s, View
from core.curve_workshop import LEAST_STEP_NS
from core.sessions import NANOS_PER_SECOND, NEVER_NS
from core.thresholds import FLOW_MEASURES, MOVING_MEASURES


def drifts_ns(measure: str, view: View, members: Int64s) -> Int64s:
    """Return when a measure of some references changes next by itself, ``NEVER_NS`` if not.

    Dealers' deltas go on in steps from the open, and so does a forced flow that they are part of;
    from the close on nothing moves.

    Returns
    -------
    int64[k]    beside ``members``
    """
    market_ns = view.market_ns[members]
    next_ns = np.full(len(members), NEVER_NS, np.int64)
    if measure in MOVING_MEASURES:
        next_ns = (market_ns // NANOS_PER_SECOND + 1) * NANOS_PER_SECOND
    elif measure in FLOW_MEASURES:
        open_ns = view.open_ns[members]
        steps = (market_ns - open_ns) // LEAST_STEP_NS + 1
        next_ns = np.where(view.is_drifting[members], open_ns + steps * LEAST_STEP_NS, NEVER_NS)
    return np.where(market_ns < view.close_ns[members], next_ns, NEVER_NS)
