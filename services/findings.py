"""What a check found: a verdict, what it means for the service, and how to mend it."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a finding has to be taken; only a problem is one."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes
    ----------
    subject : str    what was looked at: "topic prices", "Redis"
    found : str      what it is like, with what was expected where it differs
    means : str      what follows from it for the service; "" where all is well
    mend : str       what to do about it; "" where there is nothing to do
    """

    subject: str
    verdict: Verdict
    found: str
    means: str = ""
    mend: str = ""

    def __str__(self) -> str:
        mend = f"; {self.mend}" if self.mend else ""
        return f"{self.subject}: {self.found}{mend}"


def ok(subject: str, found: str) -> Finding:
    """Return a finding of something that is well."""
    return Finding(subject, Verdict.OK, found)


def note(subject: str, found: str, *, means: str = "", mend: str = "") -> Finding:
    """Return a finding of something to know of, which may be meant."""
    return Finding(subject, Verdict.NOTE, found, means, mend)


def problem(subject: str, found: str, *, means: str, mend: str) -> Finding:
    """Return a finding of something that has to be mended."""
    return Finding(subject, Verdict.PROBLEM, found, means, mend)
