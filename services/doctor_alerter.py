"""What the doctor makes of the alerter: its lease, its view, and what it cannot see."""

from collections.abc import Iterator
from datetime import datetime

from services.doctor_redis_facts import LeaseState, RedisFacts, ViewHead
from services.doctor_words import span, these
from services.findings import Finding, note, ok, problem

VIEW_SECONDS = 10.0
"""A view is written ten times a second, a very large one every few seconds."""

_NO_ALERTS = "nothing is judged, and five minutes later Alertmanager ends what fires"
_START = "start an alerter: forcedflow alerter --help; its log says why one ended"


def judge_alerter(facts: RedisFacts) -> Iterator[Finding]:
    """Say whether an alerter is at work, and what it sees."""
    if not facts.host_ms:
        return
    lease = facts.lease
    if facts.view is None:
        yield from _without_view(facts)
    elif isinstance(facts.view, str):
        yield problem(
            "view",
            facts.view,
            means="wall and doctor cannot show it",
            mend="bring all processes to one release",
        )
    else:
        yield from _view(facts, facts.view)
    if lease is not None and _left(facts, lease) > 0:
        yield ok(
            "lease", f"{lease.holder or 'an alerter'} has it, {_left(facts, lease):.1f} s left"
        )


def _without_view(facts: RedisFacts) -> Iterator[Finding]:
    if any(one.partial for one in facts.partitions.values()):
        yield problem(
            "view",
            "none, though workers have published",
            means="no alerter has been at work on this Redis: nobody is alerted",
            mend=_START,
        )
    else:
        yield note("view", "none", means="neither workers nor an alerter have been at work here")


def _view(facts: RedisFacts, view: ViewHead) -> Iterator[Finding]:
    age = _age_seconds(facts, view)
    if age is None:
        yield problem(
            "view",
            f"expected a time at which it was written, it was {view.written_at!r}",
            means="its age cannot be told",
            mend="bring all processes to one release",
        )
    elif age > VIEW_SECONDS:
        yield _old_view(facts, age)
    else:
        yield ok("view", f"written {span(max(age, 0.0))} ago, of universe {view.universe}")
    if view.unknown_partitions and age is not None and age <= VIEW_SECONDS:
        yield problem(
            "view",
            f"the alerter does not know {these('partition', view.unknown_partitions)}",
            means="their references are unknown; unknown never resolves an alert",
            mend="see the findings on partials and universe",
        )


def _old_view(facts: RedisFacts, age: float) -> Finding:
    lease = facts.lease
    if lease is not None and _left(facts, lease) > 0:
        return problem(
            "view",
            f"{span(age)} old, though {lease.holder or 'an alerter'} has the lease",
            means="the alerter is blind, or hangs: what fires goes on, nothing starts or resolves",
            mend="its log and forcedflow_blind in its /metrics say why",
        )
    held = "nobody has the lease" if lease is None else f"the lease of {lease.holder} is over"
    if lease is None and not facts.has_ledger:
        held = "there is neither lease nor ledger"
    return problem("view", f"{span(age)} old, and {held}", means=_NO_ALERTS, mend=_START)


def _age_seconds(facts: RedisFacts, view: ViewHead) -> float | None:
    try:
        written = datetime.fromisoformat(view.written_at)
    except ValueError:
        return None
    if written.tzinfo is None:
        return None
    return facts.host_ms / 1000 - written.timestamp()


def _left(facts: RedisFacts, lease: LeaseState) -> float:
    return (lease.until_ms - facts.now_ms) / 1000
