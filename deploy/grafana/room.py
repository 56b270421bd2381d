"""Dashboard *Room*: how many of those behind one theme must trade on the same side at once."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from deploy.grafana.frame import ROOM, Section, framed
from deploy.grafana.measures import all_of, by_room
from deploy.grafana.panels import (
    COUNT,
    MONEY,
    NUMBER,
    SHARE,
    SIGNED,
    USD,
    Column,
    Look,
    Panels,
    Query,
    Said,
    bars,
    big_number,
    grid,
    lines,
)

_FLOW = all_of("forced_flow_usd")
_RETURN = all_of("underlying_return")
_NET = by_room(_FLOW)
_GROSS = by_room(f"abs({_FLOW})")
ONE_SIDED = f"abs({_NET}) / ({_GROSS} > 0)"
"""1 where every member must trade on the same side, 0 where they cancel out."""
_MEMBERS = by_room(f"{_FLOW} * 0 + 1")
_AT_WARNING = by_room(f"{all_of('level')} >= bool 2")
_VOLUME = f"{all_of('adv_usd')} and on (symbol) {_FLOW}"
"""Of the members whose figure is known, also of those that owe nothing."""
_ADV = f"{_NET} / {by_room(_VOLUME)}"
_MEAN = by_room(_RETURN, "avg")
_SPREAD = by_room(_RETURN, "stddev")

_SIDED = Look(SHARE, ((None, "green"), (0.7, "orange"), (0.9, "red")), range=(0.0, 1.0))


def build() -> Dashboard:
    """Return the dashboard."""
    return framed(
        "Room",
        "Crowding: rooms are themes whose members are held, and must be traded, by the same hands. "
        "A reference in two rooms counts in both.",
        choices=(ROOM,),
        sections=(
            Section("Now", _now()),
            Section("Over the day", _over_time()),
            Section("Members of $room", _members()),
            Section("Options", _options()),
        ),
        since="now-3h",
    )


def _now() -> Panels:
    columns = (
        Column("Net forced flow", _NET, MONEY),
        Column("Gross", _GROSS, Look(USD)),
        Column("One-sided", ONE_SIDED, _SIDED),
        Column("of daily volume", _ADV, Look(SHARE, decimals=1)),
        Column("Members known", _MEMBERS, Look(NUMBER, decimals=0)),
        Column("at warning", _AT_WARNING, Look(NUMBER, ((None, "text"), (1.0, "orange")))),
        Column("Mean return", _MEAN, Look(SHARE, SIGNED, decimals=2)),
        Column("Spread of returns", _SPREAD, Look(SHARE, decimals=2)),
    )
    return [
        big_number(
            Said(
                "Most one-sided room",
                "The largest share of its members' gross forced flow that does not cancel out: 1 "
                "where all of them must trade on the same side.",
            ),
            Query(f"topk(1, {ONE_SIDED})", "{{room}}"),
            _SIDED,
            span=8,
        ),
        big_number(
            Said("Most to sell", "The room whose members must together sell most by the close."),
            Query(f"bottomk(1, {_NET})", "{{room}}"),
            MONEY,
            span=8,
        ),
        big_number(
            Said("Most to buy", "The room whose members must together buy most by the close."),
            Query(f"topk(1, {_NET})", "{{room}}"),
            MONEY,
            span=8,
        ),
        grid(
            Said(
                "Rooms",
                "Sums over the members whose figures are known. Net over gross says how one-sided "
                "a room is; a small spread of returns with a large mean, that it moves as one.",
            ),
            "room",
            columns,
        ),
    ]


def _over_time() -> Panels:
    return [
        lines(
            Said("Net forced flow", "Of each room; buy > 0, sell < 0."),
            [Query(_NET, "{{room}}")],
            Look(USD),
        ),
        lines(
            Said("How one-sided", "Net over gross forced flow of each room, without its sign."),
            [Query(ONE_SIDED, "{{room}}")],
            Look(SHARE, ((None, "transparent"), (0.9, "red")), range=(0.0, 1.0)),
        ),
        lines(
            Said(
                "Share of the usual daily volume",
                "Net forced flow of a room over the average daily volume of its members.",
            ),
            [Query(_ADV, "{{room}}")],
            Look(SHARE),
        ),
        lines(
            Said("Members at warning", "How many of a room's members are at warning or above."),
            [Query(_AT_WARNING, "{{room}}")],
            COUNT,
        ),
        lines(
            Said("Mean return", "Mean of the members' returns since their previous closes."),
            [Query(_MEAN, "{{room}}")],
            Look(SHARE),
        ),
        lines(
            Said(
                "Spread of returns",
                "Standard deviation of the members' returns: where it is small beside the mean, "
                "the room moves as one.",
            ),
            [Query(_SPREAD, "{{room}}")],
            Look(SHARE, range=(0.0, None)),
        ),
    ]


def _members() -> Panels:
    chosen = 'max by (symbol) (forcedflow_room_member_info{room=~"$room"})'
    return [
        bars(
            Said("Forced flow", "Of the 20 members with the largest; buy > 0, sell < 0."),
            Query(
                f"{_FLOW} and on (symbol) topk(20, abs({_FLOW} and on (symbol) {chosen}))",
                "{{symbol}}",
            ),
            MONEY,
        ),
        bars(
            Said("Return since the previous close", "Of the 20 members that moved most."),
            Query(
                f"{_RETURN} and on (symbol) topk(20, abs({_RETURN} and on (symbol) {chosen}))",
                "{{symbol}}",
            ),
            Look(SHARE, SIGNED, decimals=2),
        ),
    ]


def _options() -> Panels:
    def measured(name: str) -> str:
        return f'max by (symbol) (forcedflow_{name}{{scope="room", symbol=~"$room"}})'

    columns = (
        Column("Open interest", measured("open_interest_contracts"), Look(NUMBER)),
        Column("Put/call", measured("put_call_open_interest"), Look(NUMBER, decimals=2)),
        Column("Risk reversal", measured("risk_reversal_25d_30d"), Look(SHARE, decimals=1)),
        Column("Concentration", measured("open_interest_concentration"), Look(SHARE, decimals=1)),
        Column("Oldest, sessions", measured("open_interest_age_sessions"), Look(NUMBER)),
    )
    return [
        grid(
            Said(
                "How the options on each room are positioned",
                "Over the members that have open interest: what is open, puts for each call, the "
                "25-delta risk reversal at 30 days, and how much lies on few strikes.",
            ),
            "symbol",
            columns,
        )
    ]
