"""Whether words on a command line mean something to the command they are given to."""

from collections.abc import Sequence

import click


def unknown_words(group: click.Group, words: Sequence[str]) -> list[str]:
    """Return the subcommands and options among `words` that do not exist; nothing is run."""
    command: click.Command = group
    context = click.Context(group)
    rest = list(words)
    while isinstance(command, click.Group):
        name = rest.pop(0)
        found = command.get_command(context, name)
        if found is None:
            return [name]
        command = found
    known = {option for it in command.params for option in (*it.opts, *it.secondary_opts)}
    given = [word.partition("=")[0] for word in rest if word.startswith("--")]
    return [option for option in given if option not in known]
