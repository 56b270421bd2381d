"""The command ``forcedflow``: each subcommand lives in its own module and is loaded when called."""

import errno
import importlib

import click

from core.errors import ConfigError, FlowError
from services.logs import configure_logs

EXIT_CONFIGURATION = 2
"""Exit code of a broken universe, rule, setting or file, as of a wrong option."""
EXIT_BAD_ROWS = 3
"""Exit code under ``--strict`` where rows were bad."""

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}
"""What is no fault of ours, whatever was being written: the output, a log, a lock."""

_COMMANDS = {
    "alerter": "services.cli_alerter",
    "dead-letters": "services.cli_dead_letters",
    "doctor": "services.cli_doctor",
    "gateway": "services.cli_gateway",
    "options": "services.cli_options",
    "replay": "services.cli_replay",
    "rules": "services.cli_rules",
    "run": "services.cli_run",
    "scenario": "services.cli_scenario",
    "silence": "services.cli_silence",
    "stack": "services.cli_stack",
    "topics": "services.cli_topics",
    "universe": "services.cli_universe",
    "worker": "services.cli_worker",
}


class _Commands(click.Group):
    """Subcommands by name; an error of ours ends with its message, not a trace."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        module = _COMMANDS.get(cmd_name)
        if module is None:
            return None
        command: click.Command = importlib.import_module(module).command
        return command

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            click.echo(str(error), err=True)
            ctx.exit(EXIT_CONFIGURATION)
        except FlowError as error:
            click.echo(str(error), err=True)
            ctx.exit(1)
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise
            click.echo(f"expected to write it whole, was refused: {error}", err=True)
            ctx.exit(1)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="forcedflow")
def main() -> None:
    """Say who will be forced to trade what by the close, how large, and how sure that is.

    Exit codes: 0 done; 1 failed; 2 wrong option, broken universe, rules, settings or file;
    3 bad rows under --strict.
    """
    configure_logs()
