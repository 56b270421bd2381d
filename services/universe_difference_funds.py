"""What a new version changes of funds: who comes and goes, leverage, assets, and what that owes."""

from collections.abc import Iterable

from core.sessions import SessionTable
from core.universe import Universe
from services.difference_words import (
    Block,
    Change,
    amount,
    counted,
    from_to,
    is_same,
    known,
    largest_first,
    multiple,
)
from services.rows import session_text, time_text
from services.universe_standing import (
    Figure,
    FigureKey,
    FundStanding,
    demand_by_reference,
    fund_figures,
    fund_standings,
    sum_of_assets,
)


def fund_blocks(before: Universe, after: Universe) -> Iterable[Block | None]:
    """Compare the funds of two versions; None where nothing of a subject differs."""
    old, new = fund_standings(before), fund_standings(after)
    staying = [(old[fund], new[fund]) for fund in new if fund in old]
    yield _come_and_gone(old, new)
    yield _leverage(staying)
    yield _assets(old, new)
    yield _demand(old, new)
    yield _reworded(staying)
    old_figures, new_figures = fund_figures(before), fund_figures(after)
    yield _late(after, {key: new_figures[key] for key in new_figures.keys() - old_figures.keys()})
    yield _rewritten(old_figures, new_figures)


def _come_and_gone(old: dict[str, FundStanding], new: dict[str, FundStanding]) -> Block | None:
    added = [standing for fund, standing in new.items() if fund not in old]
    removed = [standing for fund, standing in old.items() if fund not in new]
    if not added and not removed:
        return None
    details = [f"+ {_told(standing)}" for standing in added]
    details += [f"− {_told(standing)}" for standing in removed]
    return Block("funds", f"{len(added)} added, {len(removed)} removed", details)


def _told(standing: FundStanding) -> str:
    return (
        f"{standing.fund}: {multiple(standing.leverage_factor)} on {standing.reference}, "
        f"assets {amount(standing.assets_usd)}, {standing.reset} {standing.vehicle}"
    )


def _leverage(staying: list[tuple[FundStanding, FundStanding]]) -> Block | None:
    details = [
        f"{then.fund}: {multiple(then.leverage_factor)} → {multiple(now.leverage_factor)} "
        f"from {session_text(now.leverage_label)}, assets {amount(now.assets_usd)}"
        for then, now in staying
        if then.leverage_factor != now.leverage_factor
    ]
    return (
        Block("leverage", f"{counted(len(details), 'fund')} changed", details) if details else None
    )


def _assets(old: dict[str, FundStanding], new: dict[str, FundStanding]) -> Block | None:
    changes = largest_first(
        [
            Change(fund, old[fund].assets_usd, standing.assets_usd)
            for fund, standing in new.items()
            if fund in old and not is_same(old[fund].assets_usd, standing.assets_usd)
        ]
    )
    if not changes and old.keys() == new.keys():
        return None
    sums = from_to(sum_of_assets(old), sum_of_assets(new))
    return Block(
        "assets",
        f"{counted(len(changes), 'fund')} changed; all funds {sums}",
        [
            f"{change.name}: {from_to(change.before, change.after)} "
            f"from {session_text(new[change.name].assets_label)}"
            for change in changes
        ],
    )


def _demand(old: dict[str, FundStanding], new: dict[str, FundStanding]) -> Block | None:
    then, now = demand_by_reference(old), demand_by_reference(new)
    changes = largest_first(
        [
            Change(reference, then.get(reference, 0.0), now.get(reference, 0.0))
            for reference in dict.fromkeys((*then, *now))
            if then.get(reference, 0.0) != now.get(reference, 0.0)
        ]
    )
    if not changes:
        return None
    return Block(
        "due per 1 % move",
        f"{counted(len(changes), 'reference')} changed; all "
        f"{from_to(sum(then.values()), sum(now.values()))}",
        [f"{change.name}: {from_to(change.before, change.after)}" for change in changes],
    )


def _reworded(staying: list[tuple[FundStanding, FundStanding]]) -> Block | None:
    details = [
        f"{then.fund}: {what} {before} → {after}"
        for then, now in staying
        for what, before, after in (
            ("reference", then.reference, now.reference),
            ("reset", then.reset, now.reset),
            ("vehicle", then.vehicle, now.vehicle),
        )
        if before != after
    ]
    return Block("fund terms", f"{len(details)} changed", details) if details else None


def _late(after: Universe, added: dict[FigureKey, Figure]) -> Block | None:
    """Tell of new figures that are known only after the open of the session they hold from."""
    table_of = _sessions_of_funds(after)
    details = []
    for key in sorted(added):
        table = table_of[key.fund]
        position = int(table.label.searchsorted(key.effective_label))
        if key.known_ns > table.open_ns[position]:
            figure = added[key]
            details.append(
                f"{key.fund}: {multiple(figure.leverage_factor)}, assets "
                f"{amount(figure.assets_usd)} for {session_text(key.effective_label)}, "
                f"known from {time_text(key.known_ns, table.zone)}"
            )
    return Block("known late", counted(len(details), "figure"), details) if details else None


def _sessions_of_funds(universe: Universe) -> dict[str, SessionTable]:
    return {
        fund: universe.schedules[int(universe.schedule[reference])]
        for fund, reference in zip(universe.fund, universe.fund_reference.tolist(), strict=True)
    }


def _rewritten(old: dict[FigureKey, Figure], new: dict[FigureKey, Figure]) -> Block | None:
    """Tell of figures that change without a later `known_at`: they count as if always known."""
    staying = {key.fund for key in new}
    gone = sum(key.fund in staying for key in old.keys() - new.keys())
    changed = [
        (abs(new[key].assets_usd - figure.assets_usd), key)
        for key, figure in old.items()
        if key in new and not _is_same(figure, new[key])
    ]
    if not changed and not gone:
        return None
    largest = sorted(changed, key=lambda each: (-known(each[0]), each[1]))
    return Block(
        "past figures",
        f"{len(changed)} changed as if always known so, {gone} no longer stated",
        [
            f"{key.fund} {session_text(key.effective_label)}: {_figure(old[key])} → "
            f"{_figure(new[key])}"
            for _, key in largest
        ],
    )


def _figure(figure: Figure) -> str:
    return f"{multiple(figure.leverage_factor)} {amount(figure.assets_usd)}"


def _is_same(one: Figure, other: Figure) -> bool:
    return all(is_same(left, right) for left, right in zip(one, other, strict=True))
