"""What a user assumes of dealers in options: guesses and rates that no feed states."""

from dataclasses import dataclass

from core.dealer_signs import INDEX_CONVENTION, SignModel


@dataclass(frozen=True)
class DealerAssumptions:
    """What holds for every reference of a book.

    Attributes
    ----------
    close_share : float               of the dealers' hedge, from 0 to 1, traded at the close and so
                                      part of the forced flow; 0: all of it is traded by then
    sign_model : SignModel            of the hedge; its low and high range over all models
    rate, dividend_yield : float      a year, where an expiry has no forward
    """

    close_share: float = 0.0
    sign_model: SignModel = INDEX_CONVENTION
    rate: float = 0.0
    dividend_yield: float = 0.0
