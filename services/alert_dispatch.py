"""From the ledger to what each Alertmanager is sent, and back: who has been told what."""

from collections.abc import Mapping
from typing import Literal

from core.alerts import AlertKey
from core.sessions import NANOS_PER_SECOND
from services.alert_ledger import Episode
from services.alert_messages import Annotations, PostableAlert, host_time_text
from services.alertmanager import Batch, Fleet

LEASE_NS = 5 * 60 * NANOS_PER_SECOND
"""How long an alert outlives a dead alerter (the public contract's figure)."""

SendStatus = Literal["not sent", "waiting", "partly sent", "sent", "refused"]


def batch_of(
    episodes: tuple[Episode, ...],
    *,
    released: int,
    now_ns: int,
    texts: Mapping[AlertKey, Annotations],
) -> Batch:
    """Return what is to be said now.

    ``released`` is the sequence up to which transitions may be told: a firing beyond it is left
    out, a resolve beyond it still fires. ``texts`` are newer than the ledger's, by alert.
    """
    alerts = []
    for episode in episodes:
        if episode.fired_sequence > released:
            continue
        is_over = episode.ends_ns is not None and episode.sequence <= released
        ends_ns = episode.ends_ns if is_over else None
        alerts.append(
            PostableAlert(
                labels=episode.key._asdict(),
                annotations=_texts(episode, texts) if ends_ns is None else episode.annotations,
                starts_at=host_time_text(episode.starts_ns),
                ends_at=host_time_text(now_ns + LEASE_NS if ends_ns is None else ends_ns),
            )
        )
    return Batch(sequence=released, alerts=tuple(alerts))


def send_status(episode: Episode, fleet: Fleet) -> SendStatus:
    """Return how far the last change of an episode has come."""
    peers = fleet.peers
    if not peers:
        return "not sent"
    labels = episode.key._asdict()
    if any(peer.has_refused(labels) for peer in peers):
        return "refused"
    told = sum(peer.delivered >= episode.sequence for peer in peers)
    if told == len(peers):
        return "sent"
    return "partly sent" if told else "waiting"


def _texts(episode: Episode, texts: Mapping[AlertKey, Annotations]) -> Annotations:
    return texts.get(episode.key, episode.annotations)
