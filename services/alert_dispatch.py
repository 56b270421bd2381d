"""From the ledger to what each Alertmanager is sent, and back: who has been told what."""

from collections.abc import Mapping
from typing import Literal

from core.alerts import AlertKey
from core.sessions import NANOS_PER_SECOND
from services.alert_ledger import Episode
from services.alert_messages import Annotations, PostableAlert, host_time_text
from services.alertmanager import Batch, Fleet
from services.resolve_gate import Resolve

LEASE_NS = 5 * 60 * NANOS_PER_SECOND
"""How long an alert outlives a dead alerter (the public contract's figure)."""

SendStatus = Literal["not sent", "left out", "waiting", "held", "partly sent", "sent", "refused"]
"""How far the last change has come.

"held": a silence keeps a resolve from being told; "left out": one of too many, see `storms`.
"""


def batch_of(
    episodes: tuple[Episode, ...],
    *,
    released: int,
    now_ns: int,
    texts: Mapping[AlertKey, Annotations],
) -> Batch:
    """Return what is to be said now.

    ``released`` is the sequence up to which transitions may be told: a firing beyond it is left
    out, a resolve beyond it still fires, unless an earlier term has told it to all. ``texts`` are
    newer than the ledger's, by alert.
    """
    alerts, resolves = [], []
    for episode in episodes:
        if episode.fired_sequence > released or episode.left_out:
            continue
        ends_ns, was_told = episode.ends_ns, episode.sent_ns is not None
        if ends_ns is None or (episode.sequence > released and not was_told):
            told = _texts(episode, texts) if ends_ns is None else episode.annotations
            alerts.append(_postable(episode, told, _lease_end(episode, now_ns)))
        else:
            told = episode.annotations
            ended = _postable(episode, told, ends_ns)
            extended = _postable(episode, told, _lease_end(episode, now_ns))
            resolves.append(Resolve(ended, extended, was_told))
    return Batch(sequence=released, alerts=tuple(alerts), resolves=tuple(resolves))


def _lease_end(episode: Episode, now_ns: int) -> int:
    # The host's clock may have been set back; Alertmanager refuses an end before the start.
    return max(now_ns, episode.starts_ns) + LEASE_NS


def _postable(episode: Episode, told: Annotations, ends_ns: int) -> PostableAlert:
    return PostableAlert(
        labels=episode.key._asdict(),
        annotations=told,
        starts_at=host_time_text(episode.starts_ns),
        ends_at=host_time_text(ends_ns),
    )


def send_status(episode: Episode, fleet: Fleet) -> SendStatus:
    """Return how far the last change of an episode has come."""
    peers = fleet.peers
    if not peers:
        return "not sent"
    if episode.left_out:
        return "left out"
    labels = episode.key._asdict()
    if any(peer.has_refused(labels) for peer in peers):
        return "refused"
    if episode.ends_ns is not None and any(peer.holds(labels) for peer in peers):
        return "held"
    told = sum(peer.delivered >= episode.sequence for peer in peers)
    if told == len(peers):
        return "sent"
    return "partly sent" if told else "waiting"


def _texts(episode: Episode, texts: Mapping[AlertKey, Annotations]) -> Annotations:
    return texts.get(episode.key, episode.annotations)
