"""A storm of alerts: the largest are sent, and one more alert says what was left out.

At most so many alerts of a rule, a side and a severity are sent. Who has once been sent stays until
it is over, and a place that becomes free goes to the largest that was left out, so nobody is sent
and taken back. All are in the ledger, in the audit and in the view.
"""

from collections import defaultdict
from dataclasses import replace

import msgspec

from core.alerts import AlertKey, is_judged
from core.sessions import NANOS_PER_SECOND
from services.alert_ledger import Episode, Ledger
from services.own_alerts import Wanted

HOLD_NS = 5 * 60 * NANOS_PER_SECOND
"""How long the summary fires at least, while any of its alerts does."""
NAMED = 40
"""How many of those left out are named."""
_THOUSAND = 1e3

_Group = tuple[str, str, str]
"""Family, side, severity."""


def capped(ledger: Ledger, cap: int, *, before: int, now_ns: int) -> Ledger:
    """Return the ledger with every firing alert marked that is not to be sent.

    Parameters
    ----------
    ledger : Ledger
    cap : int         the most that are sent of a group
    before : int      sequence of the last decision: what fired since has not been sent yet
    now_ns : int      host time
    """
    open_ones: dict[_Group, list[Episode]] = defaultdict(list)
    places: dict[_Group, int] = defaultdict(lambda: cap)
    for episode in ledger.firing():
        if not is_judged(episode.key):
            continue
        if episode.left_out or episode.fired_sequence > before:
            open_ones[_group(episode.key)].append(episode)
        else:
            places[_group(episode.key)] -= 1
    decided = {
        episode.key: place >= places[group]
        for group, found in open_ones.items()
        for place, episode in enumerate(sorted(found, key=_largest_first))
    }
    if all(one.left_out is decided.get(one.key, one.left_out) for one in ledger.firing()):
        return ledger
    episodes = tuple(
        _placed(one, left_out=decided[one.key], now_ns=now_ns)
        if one.ends_ns is None and one.key in decided
        else one
        for one in ledger.episodes
    )
    return msgspec.structs.replace(ledger, episodes=episodes)


def summaries(ledger: Ledger, *, cap: int, now_ns: int) -> dict[AlertKey, Wanted]:
    """Return the alerts that say what is left out of a ledger; `now_ns` is host time."""
    firing: dict[AlertKey, list[Episode]] = defaultdict(list)
    for episode in ledger.firing():
        if is_judged(episode.key):
            firing[_summary_key(episode.key)].append(episode)
    held = {
        one.key for one in ledger.firing() if one.key in firing and now_ns < one.starts_ns + HOLD_NS
    }
    wanted = {}
    for key, every in firing.items():
        left_out = sorted((one for one in every if one.left_out), key=_largest_first)
        if left_out or key in held:
            wanted[key] = _summary(key, every, left_out, cap)
    return wanted


def _placed(episode: Episode, *, left_out: bool, now_ns: int) -> Episode:
    placed_ns = now_ns if episode.left_out and not left_out else episode.placed_ns
    return msgspec.structs.replace(episode, left_out=left_out, placed_ns=placed_ns)


def _summary(key: AlertKey, every: list[Episode], left_out: list[Episode], cap: int) -> Wanted:
    latest = max(left_out or every, key=lambda one: one.state.fires_ns).state
    state = replace(latest, value=float(len(left_out)), peak=float(len(left_out)))
    alertname = every[0].key.alertname
    count = f"{len(left_out)} of {len(every)} {alertname}"
    named = ", ".join(f"{one.key.symbol} {_figure(one.state.value)}" for one in left_out[:NAMED])
    more = len(left_out) - NAMED
    rest = f" and {more} more" if more > 0 else ""
    return Wanted(
        state,
        {
            "summary": f"{key.side.upper()}: {count} alerts are not sent one by one",
            "description": (
                f"At most {cap} alerts of rule {key.family} are sent a side and severity. Left"
                f" out, with their measure, the largest first: {named or 'none now'}{rest}. They"
                " fire in the view and are in the audit; a place that becomes free is taken by the"
                " largest."
            ),
        },
    )


def _summary_key(key: AlertKey) -> AlertKey:
    return key._replace(alertname=f"{key.alertname}Others", symbol="others")


def _group(key: AlertKey) -> _Group:
    return key.family, key.side, key.severity


def _largest_first(episode: Episode) -> tuple[float, str]:
    return -abs(episode.state.value), episode.key.symbol


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= _THOUSAND else f"{value:.3g}"
