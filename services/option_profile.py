"""What `forcedflow options` finds of each underlying: its profile, or why there is none."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from core.chain_profile import ChainProfile, profile_chain
from core.contracts import OptionChain
from core.dealer_signs import INDEX_CONVENTION, USER_SIGNED, SignModel
from services.chain_choice import Choice
from services.chain_merge import chain_at
from services.chain_rows import ChainFile
from services.option_calendar import OptionCalendar
from services.rejects import Reject
from services.rows import session_text

NOTABLE_GAP = 0.001
"""Quotes whose price of the underlying lies farther than this from the spot are worth a note."""


@dataclass(frozen=True)
class Wanted:
    """What the user asks of a profile.

    Attributes
    ----------
    as_of_ns : int | None             None: when the chain that is used was stated
    spots : Mapping[str, float]       underlying -> spot in place of the file's; "" = all others
    price_factors : Mapping[str, float]     likewise, of a split that the files do not know yet
    rate, dividend_yield : float      a year, where an expiry has neither forward nor parity
    sign_model : SignModel            of the zero-gamma levels and of what is shown first
    """

    as_of_ns: int | None = None
    spots: Mapping[str, float] = field(default_factory=dict)
    price_factors: Mapping[str, float] = field(default_factory=dict)
    rate: float = 0.0
    dividend_yield: float = 0.0
    sign_model: SignModel = INDEX_CONVENTION


@dataclass(frozen=True, eq=False)
class Finding:
    """What is known of one underlying.

    Attributes
    ----------
    choice : Choice
    file : ChainFile | None           the chain that was used, None where all were refused
    profile : ChainProfile | None     None without a chain or without its spot
    notes : dict[str, str]            what to know before believing a figure: name -> sentence
    is_stale : bool                   the open interest is not of the newest session at that time
    """

    choice: Choice
    file: ChainFile | None
    profile: ChainProfile | None
    notes: dict[str, str]
    is_stale: bool

    @property
    def rejects(self) -> list[Reject]:
        """Contracts that were refused or cannot be priced, by file and line."""
        own = self.file.rejects if self.file else []
        return sorted([*self.choice.rejects, *own], key=lambda each: (each.file, each.line))

    def rejected(self) -> dict[str, int]:
        """Return how many contracts there are of each reason."""
        return dict(sorted(Counter(reject.reason for reject in self.rejects).items()))


def profile_choice(choice: Choice, wanted: Wanted, calendar: OptionCalendar) -> Finding:
    """Return what is found of one underlying."""
    name, factors = choice.underlying, wanted.price_factors
    file = chain_at(
        choice,
        as_of_ns=wanted.as_of_ns,
        spot=wanted.spots.get(name, wanted.spots.get("")),
        price_factor=factors.get(name, factors.get("", 1.0)),
    )
    if file is None:
        reasons = sorted({each.verdict for each in choice.verdicts})
        notes = {"no_chain": f"every file was refused: {', '.join(reasons)}"}
        return Finding(choice, None, None, notes, is_stale=True)
    notes = _notes_of_files(choice, calendar)
    chain = file.chain
    if np.isnan(chain.spot):
        chain = _with_forward_as_spot(chain, notes)
    newest = calendar.open_interest_label(chain.as_of_ns)
    is_stale = bool((chain.effective_label < newest).any())
    if not len(chain) or np.isnan(chain.spot):
        notes |= _why_unpriced(chain)
        return Finding(choice, file, None, notes, is_stale=is_stale)
    profile = profile_chain(
        chain,
        session_label=calendar.next_label(chain.as_of_ns),
        rate=wanted.rate,
        dividend_yield=wanted.dividend_yield,
        zero_gamma_model=wanted.sign_model,
        user_sign=chain.dealer_sign,
    )
    notes |= _notes_of_quotes(profile)
    if wanted.sign_model is USER_SIGNED and chain.dealer_sign is None:
        notes["no_dealer_sign"] = "no contract states a dealer_sign, which is all user_signed is"
    return Finding(choice, file, profile, notes, is_stale=is_stale)


def _with_forward_as_spot(chain: OptionChain, notes: dict[str, str]) -> OptionChain:
    """Return a chain without a spot at the forward of its first settlement, if one is stated."""
    stated = np.flatnonzero(~np.isnan(chain.forward))
    if not len(stated):
        return chain
    first = stated[np.argmin(chain.settlement_ns[stated])]
    notes["spot_is_forward"] = "no spot is stated: the nearest forward stands for it"
    return replace(chain, spot=float(chain.forward[first]))


def _notes_of_files(choice: Choice, calendar: OptionCalendar) -> dict[str, str]:
    notes = {}
    if choice.is_later:
        notes["stated_later"] = "no file was stated by the time asked for: a later one is used"
    first = min(int(part.chain.expiry.min()) for part in choice.parts if len(part.chain))
    if calendar.closed_after(first, choice.parts[0].chain.as_of_ns):
        notes["older_than_its_head"] = (
            f"it still lists the expiry of {session_text(first)}, and a later session had closed "
            "by the time at its head: the table is older than the head says"
        )
    return notes


def _why_unpriced(chain: OptionChain) -> dict[str, str]:
    if not len(chain):
        return {"no_contracts": "no contract is left that lives at this time"}
    return {
        "no_spot": f"no spot is known: --spot {chain.underlying}=PRICE, or a column spot or forward"
    }


def _notes_of_quotes(profile: ChainProfile) -> dict[str, str]:
    gap = profile.forwards.quotes_gap
    if not abs(gap) > NOTABLE_GAP:
        return {}
    side = "below" if gap > 0.0 else "above"
    return {
        "quotes_off_spot": f"the options were quoted at a price {100.0 * abs(gap):.2f} % {side} "
        "the spot: their carry and volatilities are kept, at the spot"
    }
