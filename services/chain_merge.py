"""The files of an underlying made into one chain at one time, with what was wrong in them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from core.columns import Floats
from core.contract_adjustments import split_adjusted
from core.contracts import COLUMNS, OptionChain
from services.chain_checks import (
    contract_keys,
    with_unpriced_noted,
    without_disproportion,
    without_expired,
    without_repeated,
)
from services.chain_choice import Choice
from services.chain_rows import ChainFile
from services.rejects import Reject


def chain_at(
    choice: Choice,
    *,
    as_of_ns: int | None = None,
    spot: float | None = None,
    price_factor: float = 1.0,
) -> ChainFile | None:
    """Return the contracts of an underlying that live at a time; None where no file is left.

    Parameters
    ----------
    as_of_ns : int | None    None: when the chosen files were stated
    spot : float | None      None: as the files state it
    price_factor : float     of a split that the files do not know yet
    """
    if not choice.parts:
        return None
    file = _merged(choice.parts)
    time_ns = file.chain.as_of_ns if as_of_ns is None else as_of_ns
    file = _living(file, time_ns)
    if choice.levels:
        file = _with_levels(file, _living(_merged(choice.levels), time_ns))
    chain = split_adjusted(file.chain, price_factor)
    price = chain.spot if spot is None else spot
    file = replace(file, chain=replace(chain, as_of_ns=time_ns, spot=price))
    return with_unpriced_noted(without_disproportion(file, price))


def _living(file: ChainFile, as_of_ns: int) -> ChainFile:
    return without_repeated(without_expired(file, as_of_ns))


def _merged(files: Sequence[ChainFile]) -> ChainFile:
    """Return all contracts of some files; what holds for the whole is the first one's."""
    if len(files) == 1:
        return files[0]
    places = [(part, origin) for part in files for origin in part.origin.tolist()]

    def reject(origin: int, reason: str) -> Reject:
        part, own = places[origin]
        return part.reject(own, reason)

    return replace(
        files[0],
        chain=_joined([part.chain for part in files]),
        origin=np.arange(len(places), dtype=np.int64),
        reject=reject,
        rejects=[bad for part in files for bad in part.rejects],
        rows=sum(part.rows for part in files),
    )


def _joined(chains: Sequence[OptionChain]) -> OptionChain:
    roots = tuple(dict.fromkeys(root for chain in chains for root in chain.roots))
    code = {root: place for place, root in enumerate(roots)}
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(chain, name) for chain in chains])
        for name in COLUMNS
        if name != "root"
    }
    root = np.concatenate(
        [np.array([code[r] for r in chain.roots], np.int32)[chain.root] for chain in chains]
    )
    return replace(chains[0], roots=roots, root=root, dealer_sign=_signs(chains), **columns)


def _signs(chains: Sequence[OptionChain]) -> Floats | None:
    if all(chain.dealer_sign is None for chain in chains):
        return None
    signs = [
        np.full(len(chain), np.nan) if chain.dealer_sign is None else chain.dealer_sign
        for chain in chains
    ]
    return np.concatenate(signs)


def _with_levels(file: ChainFile, levels: ChainFile) -> ChainFile:
    """Return a chain with the open interest of another file, whose other contracts are added."""
    both = _merged([file, levels])
    keys, count = contract_keys(both.chain), len(file.chain)
    _, own, stated = np.intersect1d(keys[:count], keys[count:], return_indices=True)
    level = both.chain.open_interest.copy()
    level[own] = level[count + stated]
    keep = np.ones(len(level), np.bool_)
    keep[count + stated] = False
    return replace(
        both,
        chain=replace(both.chain, open_interest=level).at(keep),
        origin=both.origin[keep],
    )
