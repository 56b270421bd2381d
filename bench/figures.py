"""What is measured: figures with their aims, and how they are shown."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.machine import description

_SCALES = ((1e6, "M"), (1e3, "k"))


@dataclass(frozen=True)
class Figure:
    """One measurement.

    Attributes
    ----------
    part : str               of the benchmark
    name : str               what was measured
    value : float
    unit : str               "" for a ratio
    at_least, below : float | None       the aim; None of both: shown beside another figure
    """

    part: str
    name: str
    value: float
    unit: str = ""
    at_least: float | None = None
    below: float | None = None

    @property
    def aim(self) -> str:
        """The aim in words, "" without one."""
        if self.at_least is not None:
            return f"at least {quantity(self.at_least, self.unit)}"
        return "" if self.below is None else f"below {quantity(self.below, self.unit)}"

    @property
    def verdict(self) -> str:
        """Whether the aim is met, else by how much of it the figure misses it."""
        wanted = self.at_least if self.at_least is not None else self.below
        if wanted is None:
            return ""
        is_met = self.value >= wanted if self.at_least is not None else self.value < wanted
        return "met" if is_met else f"missed by {abs(self.value / wanted - 1):.0%}"


def quantity(value: float, unit: str) -> str:
    """Return a figure of three digits with its unit: ``30.3 M rows/s``."""
    scale, prefix = next(((s, f" {p}") for s, p in _SCALES if value >= s), (1.0, ""))
    return f"{value / scale:#.3g}".rstrip(".") + f"{prefix} {unit}".rstrip()


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as aligned lines, each with its aim and whether it is met."""
    head = ("part", "what", "measured", "aim", "")
    rows = [head] + [
        (each.part, each.name, quantity(each.value, each.unit), each.aim, each.verdict)
        for each in figures
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = []
    for row in rows:
        part, name, measured, aim, verdict = (
            text.ljust(width) for text, width in zip(row, widths, strict=True)
        )
        lines.append(f"{part}  {name}  {measured.strip():>{widths[2]}}  {aim}  {verdict}".rstrip())
    lines.insert(1, "-" * max(map(len, lines)))
    return "\n".join(lines)


def write_json(path: Path, figures: Sequence[Figure], *, others_share: float) -> None:
    """Write the figures, and the machine they were measured on, as one JSON object.

    ``others_share`` is the share of the machine that other work took meanwhile.
    """
    document = {
        "machine": description() | {"others_share": others_share},
        "figures": [asdict(each) | {"aim": each.aim, "verdict": each.verdict} for each in figures],
    }
    path.write_text(json.dumps(document, indent=2) + "\n")
