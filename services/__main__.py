"""``python -m services``: the command ``forcedflow``, for processes we start ourselves."""

from services.cli import main

main(prog_name="forcedflow")
