"""Hand-made silences, as an Alertmanager would list them."""

import msgspec

from services.alertmanager_http import Answer
from services.silences import Matcher, Silence


def silence(*matchers: Matcher, silence_id: str = "s1", state: str = "active") -> Silence:
    stored = {
        "id": silence_id,
        "status": {"state": state},
        "updatedAt": "2026-11-22T11:17:25.817Z",
        "comment": "seen",
        "createdBy": "me",
        "startsAt": "2026-11-22T11:17:25.817Z",
        "endsAt": "2026-11-22T12:17:25.000Z",
        "matchers": msgspec.to_builtins(matchers),
    }
    return msgspec.convert(stored, type=Silence)


def silences_answer(*silences: Silence) -> Answer:
    """Return what `GET /api/v2/silences` answers."""
    return Answer(200, msgspec.json.encode(silences).decode())
