"""The contracts of a book: who they are, what they deliver, and which underlying they belong to."""

import numpy as np

from core.columns import Bools, Floats, Int64s
from core.contracts import OpenInterestColumns
from core.slots import Candidates, Slots, winners

_TERMS = (
    "settlement_ns",
    "multiplier",
    "deliverable",
    "dealer_sign",
    "is_cash_settled",
    "is_american",
)
_IDENTITY = np.dtype(
    [
        ("row", "<i4"),
        ("root", "<i4"),
        ("expiry", "<i4"),
        ("since", "<i8"),
        ("strike", "<f8"),
        ("is_call", "?"),
    ]
)


class ContractTable:
    """Contracts by number; numbers of contracts that have left are given to new ones.

    Attributes
    ----------
    size : int                  numbers in use or left behind; columns may be longer
    identity : [capacity]       structured: row, root, expiry, since, strike, is_call; ``since`` is
                                the split after which it was listed so, ``NO_SESSION`` if none
    row : int64[capacity]       of the underlying in the book, -1 where no contract is
    settlement_ns : int64[capacity]
    multiplier, deliverable, dealer_sign : float64[capacity]
    is_cash_settled, is_american : bool[capacity]
    terms : Slots               which record these terms were taken from; ``sequence``: its session
    """

    def __init__(self, rows: int, capacity: int = 1024) -> None:
        self.size = 0
        self.identity = np.zeros(capacity, _IDENTITY)
        self.row: Int64s = np.full(capacity, -1, np.int64)
        self.settlement_ns: Int64s = np.zeros(capacity, np.int64)
        self.multiplier: Floats = np.full(capacity, np.nan)
        self.deliverable: Floats = np.full(capacity, np.nan)
        self.dealer_sign: Floats = np.full(capacity, np.nan)
        self.is_cash_settled: Bools = np.zeros(capacity, np.bool_)
        self.is_american: Bools = np.zeros(capacity, np.bool_)
        self.terms = Slots(capacity)
        self._numbers: dict[bytes, int] = {}
        self._free: list[int] = []
        self._members: list[list[int]] = [[] for _ in range(rows)]

    @property
    def capacity(self) -> int:
        """How many contracts the columns have room for."""
        return len(self.row)

    def members(self, row: int) -> Int64s:
        """Return the contracts of one underlying, in no order."""
        return np.array(self._members[row], np.int64)

    def rows(self) -> Int64s:
        """Return the underlyings that have contracts, ascending."""
        return np.array([row for row, mine in enumerate(self._members) if mine], np.int64)

    def numbers(self, records: OpenInterestColumns, since: Int64s) -> Int64s:
        """Return each record's contract, int64[n]; contracts never seen before are added.

        ``since`` int64[n] is the split in whose terms each record is.
        """
        identity = np.zeros(len(records.strike), _IDENTITY)
        identity["row"], identity["root"] = records.reference, records.root
        identity["expiry"], identity["strike"] = records.expiry, records.strike
        identity["is_call"], identity["since"] = records.is_call, since
        keys = identity.view(f"V{_IDENTITY.itemsize}").tolist()
        known = self._numbers
        found = [known.get(key, -1) for key in keys]
        for i in [i for i, number in enumerate(found) if number < 0]:
            number = known.get(keys[i], -1)
            found[i] = self._add(keys[i], identity[i]) if number < 0 else number
        return np.array(found, np.int64)

    def take_terms(
        self, number: Int64s, records: OpenInterestColumns, label: Int64s, rank: Int64s
    ) -> Int64s:
        """Let each contract take the terms of its newest record.

        ``label``, ``rank`` int64[n] are of each record: its session, and that of its source.
        Returns the contracts that price or settle otherwise than before.
        """
        terms = {name: getattr(records, name) for name in _TERMS}
        if records.dealer_sign is None:
            terms["dealer_sign"] = np.full(len(number), np.nan)
        # Records of one source and time that disagree: any fixed choice will do.
        tie = records.settlement_ns * 1e-9 + records.deliverable + records.multiplier * 1e-3
        tie += np.nan_to_num(terms["dealer_sign"]) * 1e-4
        offered = Candidates(number, records.event_ns, label, rank, tie)
        best = winners(offered)
        best = best[self.terms.offer(offered.at(best))]
        mine = number[best]
        differs = np.zeros(len(best), np.bool_)
        for name, column in terms.items():
            held = getattr(self, name)
            old, new = held[mine], column[best]
            differs |= (old != new) & ~(np.isnan(old) & np.isnan(new))
            held[mine] = new
        return np.asarray(mine[differs])

    def free(self, numbers: Int64s, row: int) -> None:
        """Let contracts of one underlying leave."""
        gone = set(numbers.tolist())
        self._members[row] = [number for number in self._members[row] if number not in gone]
        keys = self.identity[numbers].view(f"V{_IDENTITY.itemsize}").tolist()
        for key in keys:
            del self._numbers[key]
        self.row[numbers] = -1
        self.terms.empty(numbers)
        self._free.extend(numbers.tolist())

    def _add(self, key: bytes, identity: np.void) -> int:
        if self._free:
            number = self._free.pop()
        else:
            number, self.size = self.size, self.size + 1
            if number == self.capacity:
                self._grow()
        self._numbers[key] = number
        self.identity[number] = identity
        row = int(identity["row"])
        self.row[number] = row
        self._members[row].append(number)
        return number

    def _grow(self) -> None:
        size = 2 * self.capacity
        self.terms.grow(size)
        for name in ("identity", "row", *_TERMS):
            column = getattr(self, name)
            longer = np.empty(size, column.dtype)
            longer[: len(column)] = column
            setattr(self, name, longer)
