"""What a new version changes of references, and of what hangs on them."""

import math
from collections.abc import Callable, Iterable, Mapping

from core.universe import Universe
from services.difference_words import Block, is_same
from services.rows import session_text, time_text

_FIGURES = {
    "previous_close": "previous close",
    "adv_usd": "ADV",
    "auction_usd": "auction",
    "daily_volatility": "volatility",
}

Listings = Mapping[str, tuple[int, float]]
"""Another instrument's symbol -> (reference, factor)."""
Split = tuple[str, int, int, float]
"""Reference, session label, ns UTC from which it is known, factor."""


def link_blocks(before: Universe, after: Universe) -> Iterable[Block | None]:
    """Compare references, splits, rooms and listings; None where nothing of a subject differs."""
    yield _sides("references", before.symbol, after.symbol)
    yield _terms(before, after)
    yield _figures(before, after)
    yield _splits(before, after)
    yield _sides("rooms", tuple(before.rooms), tuple(after.rooms))
    yield _members(before, after)
    yield _listings("price listings", before, after, of=lambda each: each.price_listings)
    yield _listings("option listings", before, after, of=lambda each: each.option_listings)


def _sides(title: str, old: tuple[str, ...], new: tuple[str, ...]) -> Block | None:
    had, has = set(old), set(new)
    added = [f"+ {name}" for name in new if name not in had]
    removed = [f"− {name}" for name in old if name not in has]
    if not added and not removed:
        return None
    return Block(title, f"{len(added)} added, {len(removed)} removed", [*added, *removed])


def _terms(before: Universe, after: Universe) -> Block | None:
    old, new = _terms_by_reference(before), _terms_by_reference(after)
    details = [
        f"{symbol}: {what} {then} → {new[symbol][what]}"
        for symbol, terms in old.items()
        if symbol in new
        for what, then in terms.items()
        if then != new[symbol][what]
    ]
    return Block("reference terms", f"{len(details)} changed", details) if details else None


def _terms_by_reference(universe: Universe) -> dict[str, dict[str, str]]:
    return {
        symbol: {"venue": venue, "currency": currency, "sessions": universe.schedules[table].name}
        for symbol, venue, currency, table in zip(
            universe.symbol,
            universe.venue,
            universe.currency,
            universe.schedule.tolist(),
            strict=True,
        )
    }


def _figures(before: Universe, after: Universe) -> Block | None:
    """Count the references whose newest figure is another one, by figure."""
    counts = {}
    for column, title in _FIGURES.items():
        old, new = _newest(before, column), _newest(after, column)
        count = sum(
            not is_same(old[symbol], value) for symbol, value in new.items() if symbol in old
        )
        if count:
            counts[title] = count
    if not counts:
        return None
    told = ", ".join(f"{title} of {count}" for title, count in counts.items())
    return Block("their figures", f"changed: {told}")


def _newest(universe: Universe, column: str) -> dict[str, float]:
    table = universe.reference_figures
    newest = dict.fromkeys(universe.symbol, math.nan)
    values = getattr(table, column).tolist()
    for reference, value in zip(table.reference.tolist(), values, strict=True):
        if not math.isnan(value):
            newest[universe.symbol[reference]] = value
    return newest


def _splits(before: Universe, after: Universe) -> Block | None:
    old, new = _splits_of(before), _splits_of(after)
    added = [f"+ {_split_told(split, after)}" for split in new if split not in old]
    removed = [f"− {_split_told(split, before)}" for split in old if split not in new]
    if not added and not removed:
        return None
    return Block("splits", f"{len(added)} added, {len(removed)} removed", [*added, *removed])


def _splits_of(universe: Universe) -> dict[Split, None]:
    table = universe.price_factors
    return {
        (universe.symbol[reference], label, known_ns, factor): None
        for reference, label, known_ns, factor in zip(
            table.reference.tolist(),
            table.effective_label.tolist(),
            table.known_ns.tolist(),
            table.factor.tolist(),
            strict=True,
        )
    }


def _split_told(split: Split, universe: Universe) -> str:
    symbol, label, known_ns, factor = split
    table = universe.schedules[int(universe.schedule[universe.symbol.index(symbol)])]
    return (
        f"{symbol}: closes before {session_text(label)} × {factor:g}, "
        f"known from {time_text(known_ns, table.zone)}"
    )


def _members(before: Universe, after: Universe) -> Block | None:
    rooms = _members_by_room(before)
    details = []
    for room, members in _members_by_room(after).items():
        old = rooms.get(room, members)
        joined = [f"+{symbol}" for symbol in members if symbol not in old]
        left = [f"−{symbol}" for symbol in old if symbol not in members]
        if joined or left:
            details.append(f"{room}: {' '.join([*joined, *left])}")
    return Block("room members", f"{len(details)} changed", details) if details else None


def _members_by_room(universe: Universe) -> dict[str, dict[str, None]]:
    return {
        room: dict.fromkeys(universe.symbol[index] for index in members.tolist())
        for room, members in universe.rooms.items()
    }


def _listings(
    title: str, before: Universe, after: Universe, *, of: Callable[[Universe], Listings]
) -> Block | None:
    old, new = _listings_told(before, of(before)), _listings_told(after, of(after))
    details = [f"+ {name}: {told}" for name, told in new.items() if name not in old]
    details += [f"− {name}: {told}" for name, told in old.items() if name not in new]
    details += [
        f"{name}: {told} → {new[name]}"
        for name, told in old.items()
        if name in new and told != new[name]
    ]
    return Block(title, f"{len(details)} changed", details) if details else None


def _listings_told(universe: Universe, listings: Listings) -> Mapping[str, str]:
    return {
        name: f"{factor:g} × price of {universe.symbol[reference]}"
        for name, (reference, factor) in listings.items()
    }
