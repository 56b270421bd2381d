"""Runbooks as their readers use them: headings, commands to type, queries to paste."""

import re
import shlex
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "runbooks"
HEADINGS = ["Meaning", "Impact", "Diagnosis", "Mitigation"]
INDEX = "README.md"

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`]+)`")


class Runbook:
    """One page; its name is the alert's."""

    def __init__(self, path: Path) -> None:
        self.name = path.stem
        self.text = path.read_text(encoding="utf-8")
        self.blocks = _BLOCK.findall(self.text)
        self.prose = _BLOCK.sub("", self.text)

    @property
    def sections(self) -> dict[str, str]:
        """Return the text under each heading, in order."""
        parts = re.split(r"^## (.+)$", self.text, flags=re.MULTILINE)[1:]
        return {name: body.strip() for name, body in zip(parts[::2], parts[1::2], strict=True)}

    @property
    def queries(self) -> list[str]:
        """Return what is to be pasted into Prometheus."""
        return [block.strip() for language, block in self.blocks if language == "promql"]

    @property
    def commands(self) -> list[list[str]]:
        """Return the words of each command, of blocks and within sentences."""
        lines = [
            line
            for language, block in self.blocks
            if not language
            for line in block.strip().splitlines()
        ]
        inline = [" ".join(code.split()) for code in _INLINE.findall(self.prose)]
        lines += [
            code for code in inline if code.startswith(("forcedflow ", "amtool ", "promtool "))
        ]
        return [shlex.split(line) for line in lines]


def runbooks() -> list[Runbook]:
    """Return every runbook, by name."""
    return [Runbook(path) for path in sorted(FOLDER.glob("*.md")) if path.name != INDEX]
