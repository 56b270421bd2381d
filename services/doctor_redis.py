"""What the doctor makes of the Redis server: settings, memory, and its clock."""

from collections.abc import Iterator, Mapping
from typing import Any

from services.doctor_kafka import CLOCK_MEND, SKEW_SECONDS
from services.doctor_redis_facts import RedisFacts
from services.findings import Finding, note, ok, problem

OLDEST = (6, 2)
"""The oldest Redis that the service is written for."""
MEMORY_NOTE = 0.75
MEMORY_PROBLEM = 0.9
_MB = 1e6

_MEND_LOGIN = "redis.password_file names the file that holds the password of redis.url's user"
_TROUBLES = {
    "no_password": ("asks for a password, and none is given", _MEND_LOGIN),
    "password": ("refuses the password", _MEND_LOGIN),
    "loading": ("is still loading", "wait until it has loaded its data; ask again"),
    "silent": (
        "accepts connections and does not answer",
        "it hangs or is overloaded: look at its log, its CPU, and SLOWLOG GET",
    ),
    "unreachable": ("cannot be reached", "start Redis, and see that redis.url names it"),
    "refuses": (
        "refuses",
        "see what it says; a user of its own needs all commands on forcedflow:*",
    ),
}
"""What each kind of trouble is called, and how it is mended."""


def judge_server(facts: RedisFacts) -> Iterator[Finding]:
    """Say whether Redis is there, and set up to keep what it is given."""
    if facts.fault:
        yield problem(
            f"Redis {facts.address}".rstrip(),
            _told(facts),
            means="workers hold no state and publish nothing; the alerter is blind: what fires "
            "goes on, nothing starts or resolves",
            mend=_TROUBLES[facts.trouble][1] if facts.trouble else _TROUBLES["unreachable"][1],
        )
    if facts.info is None:
        return
    info = facts.info
    yield from _version(facts, str(info.get("redis_version", "")))
    yield from _role(info)
    yield from _persistence(info)
    yield from _memory(info)
    yield from _clock(facts)


def _told(facts: RedisFacts) -> str:
    if not facts.trouble:
        return facts.fault
    told = _TROUBLES[facts.trouble][0]
    # Without a password the client's words are about its protocol.
    return told if facts.trouble == "no_password" else f"{told} ({facts.fault})"


def _version(facts: RedisFacts, version: str) -> Iterator[Finding]:
    subject = f"Redis {facts.address}"
    numbers = [int(part) for part in version.split(".")[:2] if part.isdigit()]
    if len(numbers) == len(OLDEST) and tuple(numbers) < OLDEST:
        yield problem(
            subject,
            f"expected version 6.2 or later, it is {version}",
            means="the service is not tested with it",
            mend="install Redis 6.2 or later",
        )
    else:
        yield ok(subject, f"version {version or 'not told'}")


def _role(info: Mapping[str, Any]) -> Iterator[Finding]:
    if info.get("role") not in {None, "master"}:
        yield problem(
            "Redis",
            f"it is a {info['role']}",
            means="a copy takes no writes: no worker can take over a partition",
            mend="have redis.url name the one that is written to",
        )


def _persistence(info: Mapping[str, Any]) -> Iterator[Finding]:
    if not int(info.get("aof_enabled", 0)):
        yield problem(
            "Redis appendonly",
            "no",
            means="a restart of Redis begins empty: snapshots and the ledger of alerts are gone",
            mend="CONFIG SET appendonly yes, and in redis.conf (deploy/redis/redis.conf has it)",
        )
    elif info.get("aof_last_write_status", "ok") != "ok":
        yield problem(
            "Redis appendonly",
            f"its last write failed: {info['aof_last_write_status']}",
            means="Redis refuses writes, or loses them at a restart",
            mend="look for room on its disk, and at its log",
        )
    else:
        yield ok("Redis appendonly", "yes")


def _memory(info: Mapping[str, Any]) -> Iterator[Finding]:
    used, most = int(info.get("used_memory", 0)), int(info.get("maxmemory", 0))
    policy = str(info.get("maxmemory_policy", "not told"))
    if policy != "noeviction":
        tell = problem if most else note
        yield tell(
            "Redis maxmemory-policy",
            f"expected noeviction, it is {policy}",
            means="when memory runs out Redis throws away snapshots and alerts without a word",
            mend="CONFIG SET maxmemory-policy noeviction, and in redis.conf",
        )
    if not most:
        yield note(
            "Redis memory",
            f"{used / _MB:,.0f} MB used, no bound",
            means="it may grow until the system ends it",
            mend="CONFIG SET maxmemory 1gb, and in redis.conf",
        )
        return
    share = used / most
    found = f"{used / _MB:,.0f} of {most / _MB:,.0f} MB used"
    if share <= MEMORY_NOTE:
        yield ok("Redis memory", found)
        return
    tell = problem if share > MEMORY_PROBLEM else note
    yield tell(
        "Redis memory",
        f"{found} ({share:.0%})",
        means="when it is full Redis refuses to write: nothing can be published",
        mend="raise maxmemory, or look what else lies in this Redis: redis-cli --bigkeys",
    )


def _clock(facts: RedisFacts) -> Iterator[Finding]:
    if not facts.round_trip_seconds:
        return
    ahead = facts.skew_seconds
    exact = facts.round_trip_seconds / 2
    if abs(ahead) - exact > SKEW_SECONDS:
        yield problem(
            "Redis' clock",
            f"{abs(ahead):.1f} s {'ahead of' if ahead > 0 else 'behind'} this host's",
            means="tokens and the ages of partials follow Redis' clock, alerts this host's: "
            "times do not match",
            mend=CLOCK_MEND,
        )
    else:
        yield ok("Redis' clock", f"within {max(abs(ahead), exact):.2f} s of this host's")
