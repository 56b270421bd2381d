"""Which side of the open interest dealers hold: guesses, kept apart from what is computed.

Open interest has no sign. Every figure of dealers' hedging rests on a guess of who is long, so
each guess is a small model here, and what is shown beside any figure is its range over all of
them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.columns import Floats

CHANNELS = 3
"""Calls, puts, and calls and puts with a sign stated by the user: what sign models weigh."""
CALLS, PUTS, SIGNED = range(CHANNELS)


@dataclass(frozen=True)
class SignModel:
    """One guess of the dealers' side: +1 long, -1 short, 0 neither, or a share between.

    ``calls`` and ``puts`` weigh the open interest of each right, ``signed`` the contracts times
    the sign that the user stated for each of them.
    """

    name: str
    calls: float = 0.0
    puts: float = 0.0
    signed: float = 0.0

    @property
    def weights(self) -> Floats:
        """float64[CHANNELS]."""
        return np.array([self.calls, self.puts, self.signed])


INDEX_CONVENTION = SignModel("index_convention", calls=1.0, puts=-1.0)
"""Customers overwrite calls and buy puts for protection: the usual guess for an index."""
CUSTOMERS_LONG = SignModel("customers_long", calls=-1.0, puts=-1.0)
"""Customers buy both: the usual guess for single names that retail trades."""
INVERTED = SignModel("inverted", calls=-1.0, puts=1.0)
"""The index convention with the other sign, as some engines publish it."""
USER_SIGNED = SignModel("user_signed", signed=1.0)
"""Each contract's side as the user states it, from trades classified elsewhere, say."""

SIGN_MODELS = (INDEX_CONVENTION, CUSTOMERS_LONG, INVERTED)
"""The models that need nothing but the open interest."""
ALL_SIGN_MODELS = (*SIGN_MODELS, USER_SIGNED)


def model_weights(models: Sequence[SignModel]) -> Floats:
    """Return float64[models, CHANNELS]."""
    return np.array([model.weights for model in models]).reshape(-1, CHANNELS)
