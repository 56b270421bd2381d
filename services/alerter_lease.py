"""The lease: which of several alerters is the active one, by Redis' clock and nobody else's.

Whoever takes the lease gets a counter greater than all before it, and every write says its
counter inside the script that writes. So an alerter that slept through its lease is refused when
it wakes up, whatever it believes; there is nothing to get wrong between a check and a write.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from redis.asyncio import Redis

from services.store_errors import LeaseLostError, answering

LEASE_KEY = "forcedflow:alerter"
LEASE_SECONDS = 5.0
"""How long the lease outlives its holder's last sign (the public contract's figure)."""

_STORED = """
local stored = tonumber(redis.call('HGET', KEYS[1], 'counter') or '0')
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local function whole(number) return string.format('%.0f', number) end
"""
"""KEYS: the lease, a hash of ``counter``, ``holder`` and ``until_ms``, host time of Redis."""

_REMAINING = (
    _STORED
    + """
local lease_ms = tonumber(ARGV[1])
local remaining_ms = tonumber(redis.call('HGET', KEYS[1], 'until_ms') or '0') - now_ms
-- Nobody is granted more than a lease: the clock was set back, and only a renewal tells.
if remaining_ms < 0 or remaining_ms > lease_ms then remaining_ms = 0 end
"""
)

LOOK = (
    _REMAINING
    + """
local holder = redis.call('HGET', KEYS[1], 'holder') or ''
return {whole(stored), holder, whole(remaining_ms)}
"""
)
"""ARGV: lease in ms. Returns counter (0: there is no lease at all), holder, ms it has left."""

CLAIM = (
    _REMAINING
    + """
if remaining_ms > 0 then return '0' end
local counter = whole(math.max(stored + 1, now_ms))
redis.call('HSET', KEYS[1], 'counter', counter, 'holder', ARGV[2],
           'until_ms', whole(now_ms + lease_ms))
return counter
"""
)
"""ARGV: lease in ms, holder. Returns max(stored + 1, Redis time in ms); 0: it is held."""

HOLD = (
    _STORED
    + """
local mine = tonumber(ARGV[2])
if stored > mine then return 0 end
if stored == mine and redis.call('HGET', KEYS[1], 'holder') ~= ARGV[3] then return 0 end
redis.call('HSET', KEYS[1], 'counter', ARGV[2], 'holder', ARGV[3],
           'until_ms', whole(now_ms + tonumber(ARGV[1])))
for place = 2, #KEYS do redis.call('SET', KEYS[place], ARGV[place + 2]) end
return 1
"""
)
"""KEYS: the lease, and what to write; ARGV: lease in ms, counter, holder, the values. Renews and
writes, or returns 0 where the counter is older than the stored one. A counter newer than the
stored one means that Redis lost what it had: the lease is there again, and of two alerters that
both do so the newer still wins."""

RELEASE = (
    _STORED
    + """
if stored == tonumber(ARGV[1]) then redis.call('HSET', KEYS[1], 'until_ms', '0') end
"""
)
"""ARGV: counter. Ends the lease of this counter; the counter itself stays."""


@dataclass(frozen=True)
class LeaseStatus:
    """Who has the lease, and for how long still: 0 once it is over.

    ``counter`` is 0 where Redis knows of no lease.
    """

    counter: int
    holder: str
    remaining_seconds: float


class Lease:
    """One alerter's side of the lease; every method raises `StoreError` if Redis does not answer.

    Parameters
    ----------
    redis : Redis     a client with bounded calls
    holder : str      who we are, in words; no two processes have the same

    Attributes
    ----------
    counter : int     of our last term, 0 before the first
    """

    def __init__(self, redis: Redis, holder: str) -> None:
        self.holder = holder
        self.counter = 0
        self._look = redis.register_script(LOOK)
        self._claim = redis.register_script(CLAIM)
        self._hold = redis.register_script(HOLD)
        self._release = redis.register_script(RELEASE)
        self._lease_ms = round(LEASE_SECONDS * 1000)

    async def look(self) -> LeaseStatus:
        """Return who has the lease, without touching it."""
        with answering(f"reading {LEASE_KEY}"):
            counter, holder, remaining = await self._look(keys=[LEASE_KEY], args=[self._lease_ms])
        return LeaseStatus(int(counter), holder.decode(), int(remaining) / 1000)

    async def claim(self) -> bool:
        """Take the lease if nobody has it; say whether it is ours now."""
        with answering(f"claiming {LEASE_KEY}"):
            counter = await self._claim(keys=[LEASE_KEY], args=[self._lease_ms, self.holder])
        if not int(counter):
            return False
        self.counter = int(counter)
        return True

    async def write(self, values: Mapping[str, bytes]) -> None:
        """Write these keys, all or none, and renew the lease; without keys, renew it.

        Raises
        ------
        LeaseLostError
            If another has taken the lease; nothing was written.
        """
        with answering(f"writing {', '.join(values) or LEASE_KEY}"):
            is_ours = await self._hold(
                keys=[LEASE_KEY, *values],
                args=[self._lease_ms, self.counter, self.holder, *values.values()],
            )
        if not is_ours:
            raise LeaseLostError(
                f"{LEASE_KEY}: expected counter {self.counter}, another has taken it"
            )

    async def renew(self) -> None:
        """Keep the lease; raises `LeaseLostError` if another has taken it."""
        await self.write({})

    async def release(self) -> None:
        """Let another take over at once; does nothing where one already has."""
        with answering(f"releasing {LEASE_KEY}"):
            await self._release(keys=[LEASE_KEY], args=[self.counter])
