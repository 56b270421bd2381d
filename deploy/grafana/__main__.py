"""``python -m deploy.grafana``: write the dashboards' JSON beside this file."""

from deploy.grafana.rendered import FOLDER, rendered


def main() -> None:
    """Write every dashboard, and remove the JSON of those that are gone."""
    pages = rendered()
    for old in FOLDER.glob("*.json"):
        if old.name not in pages:
            old.unlink()
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
