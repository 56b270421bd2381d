"""Whom a rule judges: the references it covers, or the groups they form."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from core.columns import Int64s
from core.thresholds import Rule, covered
from core.universe import Universe


@dataclass(frozen=True, eq=False)
class Subjects:
    """The subjects of one rule in one universe.

    ``name`` holds each subject's label value and ``row`` finds it again. Its members, subject by
    subject: ``member`` int64[k], references; ``owner`` int64[k], ascending, the subject of each;
    ``first`` int64[m], where each subject's members start. No subject is without members; a
    symbol's only member is itself.
    """

    name: tuple[str, ...]
    row: Mapping[str, int]
    member: Int64s
    owner: Int64s
    first: Int64s


@lru_cache(maxsize=32)
def subjects(rule: Rule, universe: Universe) -> Subjects:
    """Return whom the rule judges, in the universe's order (venues by first appearance).

    A group's members are those that the rule's conditions let through; a condition on the room
    chooses the rooms themselves where the scope is room. A group without members is no subject.
    """
    meets = covered(rule.where, universe)
    names: list[str] = []
    members: list[Int64s] = []
    for name, references in _candidates(rule, universe).items():
        chosen = references[meets[references]].astype(np.int64)
        if chosen.size:
            names.append(name)
            members.append(chosen)
    counts = np.fromiter((chosen.size for chosen in members), np.int64, len(members))
    return Subjects(
        name=tuple(names),
        row={name: row for row, name in enumerate(names)},
        member=np.concatenate([np.empty(0, np.int64), *members]),
        owner=np.repeat(np.arange(len(names)), counts),
        first=np.cumsum(counts) - counts,
    )


def _candidates(rule: Rule, universe: Universe) -> dict[str, Int64s]:
    everyone = np.arange(len(universe.symbol))
    match rule.scope:
        case "symbol":
            return dict(zip(universe.symbol, everyone.reshape(-1, 1), strict=True))
        case "room":
            wanted = rule.where.room
            return {
                room: np.unique(references).astype(np.int64)
                for room, references in universe.rooms.items()
                if wanted is None or room in wanted
            }
        case "venue":
            venue = np.array(universe.venue)
            return {name: everyone[venue == name] for name in dict.fromkeys(universe.venue)}
        case _:
            return {"market": everyone}


@lru_cache(maxsize=4)
def symbol_rows(universe: Universe) -> Mapping[str, int]:
    """Return each reference's index by its symbol."""
    return {symbol: index for index, symbol in enumerate(universe.symbol)}
