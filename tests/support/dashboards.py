"""The committed dashboards as Grafana would ask Prometheus about them."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "grafana" / "dashboards"
VARIABLE = re.compile(r"\$\{?(\w+)\}?")
Document = dict[str, Any]


@dataclass(frozen=True)
class PanelQuery:
    """One query of one panel (or annotation), as it is written."""

    dashboard: str
    panel: str
    name: str
    expr: str

    def __str__(self) -> str:
        return f"{self.dashboard} / {self.panel} / {self.name}"

    def filled(self, **values: str) -> str:
        """Return the expression with the values of its variables in their places."""
        return VARIABLE.sub(lambda found: values[found[1]], self.expr)


def documents() -> dict[str, Document]:
    """Return each dashboard by the name of its file."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}


def panels(document: Document) -> list[Document]:
    """Return the panels of a dashboard that show figures."""
    return [panel for panel in document["panels"] if panel["type"] != "row"]


def panel_queries() -> Iterator[PanelQuery]:
    """Yield every query of every panel."""
    for name, document in documents().items():
        for panel in panels(document):
            heads = _heads(panel)
            for target in panel["targets"]:
                letter = target["refId"]
                said = heads.get(letter) or target.get("legendFormat") or letter
                yield PanelQuery(name, panel["title"], said, target["expr"])


def annotation_queries() -> Iterator[PanelQuery]:
    """Yield the query of every annotation."""
    for name, document in documents().items():
        for annotation in document["annotations"]["list"]:
            yield PanelQuery(name, "annotation", annotation["name"], annotation["expr"])


def _heads(panel: Document) -> dict[str, str]:
    """Return the head of a table's column by the letter of its query."""
    found: dict[str, str] = {}
    for transformation in panel.get("transformations", []):
        names = transformation["options"].get("renameByName", {})
        found |= {value.removeprefix("Value #"): head for value, head in names.items()}
    return found
