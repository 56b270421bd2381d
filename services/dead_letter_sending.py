"""Sending dead letters again: first counted and shown, then sent, one after the other."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from services.dead_letter_records import Letter
from services.dead_letter_replay import Planner, Refusal, Resend
from services.dead_letter_text import content_lines, printable

_EXAMPLES = 10
"""Letters of each kind that are shown before they are sent."""
_GIST_LETTERS = 100


class Output(Protocol):
    """What takes records to Kafka."""

    def send(self, topic: str, *, value: bytes, key: bytes | None, partition: int) -> None:
        """Hand over one record; it may leave later."""
        ...

    def flush(self) -> None:
        """Return when all that was handed over is acknowledged."""
        ...


@dataclass
class Plan:
    """What sending some letters again would be: counts, and the first of each kind.

    Attributes
    ----------
    targets : Counter    "topic, partition" -> records to send
    refused : int        letters that cannot be sent
    missing : list       ids that were asked for and that no letter has
    """

    targets: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    missing: list[str] = field(default_factory=list)
    resends: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)

    @property
    def sendable(self) -> int:
        """How many records would be sent."""
        return self.targets.total()

    @property
    def is_whole(self) -> bool:
        """Whether every letter that was meant can be sent."""
        return not self.refused and not self.missing

    def lines(self) -> list[str]:
        """Return what to show before it is decided."""
        lines = [*self.resends]
        if self.sendable > len(self.resends):
            lines.append(f"… {self.sendable:,} records in all:")
            lines += [
                f"  {count:>9,} to {target}" for target, count in sorted(self.targets.items())
            ]
        lines += [f"no letter has the id {printable(each)}" for each in self.missing]
        lines += self.refusals
        if self.refused > len(self.refusals):
            lines.append(f"… {self.refused:,} letters in all cannot be sent")
        return lines


def make_plan(letters: Iterable[Letter], planner: Planner, *, wanted: Iterable[str] = ()) -> Plan:
    """Say what sending letters again would be; `wanted` are the ids asked for by name."""
    plan = Plan()
    missing = dict.fromkeys(wanted)
    for letter in letters:
        missing.pop(letter.id, None)
        step = planner.plan(letter)
        if isinstance(step, Refusal):
            plan.refused += 1
            if len(plan.refusals) < _EXAMPLES:
                plan.refusals.append(f"not sent: {printable(f'{letter.id}: {step.why}')}")
            continue
        target = f"{step.topic}, partition {step.partition}"
        plan.targets[target] += 1
        if len(plan.resends) < _EXAMPLES:
            plan.resends.append(_example(letter, step, target))
    plan.missing = list(missing)
    return plan


def send_again(
    letters: Iterable[Letter],
    planner: Planner,
    output: Output,
    *,
    prefix: str,
    progress: Callable[[int], None],
) -> int:
    """Send what can be sent; return how many records Kafka has acknowledged."""
    sent = 0
    for letter in letters:
        step = planner.plan(letter)
        if isinstance(step, Resend):
            output.send(
                f"{prefix}{step.topic}", value=step.value, key=step.key, partition=step.partition
            )
            sent += 1
            progress(sent)
    output.flush()
    return sent


def _example(letter: Letter, step: Resend, target: str) -> str:
    content = " ".join(content_lines(letter.raw)[:2])
    cut = content if len(content) <= _GIST_LETTERS else f"{content[: _GIST_LETTERS - 1]}…"
    return f"{printable(letter.id)} → {target} ({step.why}): {cut}"
