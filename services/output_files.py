"""Files that a command writes: checked before its work begins, named where writing fails."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from core.errors import ConfigError, FlowError


def check_outputs(
    outputs: Mapping[str, Sequence[Path | None]], inputs: Mapping[str, Sequence[Path | None]]
) -> None:
    """Raise `ConfigError` if a file cannot be made, or would take the place of another one.

    A run of minutes shall not end in its last step for want of a folder, and no file that it
    reads may be lost to one that it writes.

    Parameters
    ----------
    outputs, inputs : mapping    option -> the files it names; None: it was not given
    """
    taken = {path.resolve(): option for option, path in _named(inputs)}
    for option, path in _named(outputs):
        _check_place(option, path)
        if path.exists() and not path.is_file():
            continue  # nothing is lost of a device or a pipe
        other = taken.get(path.resolve())
        if other is not None:
            message = f"{option}: expected a file of its own, {path} is also that of {other}"
            raise ConfigError(message)
        taken[path.resolve()] = option


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Raise `FlowError` that names `path` where the system refuses to write it."""
    try:
        yield
    except OSError as error:
        message = f"{path}: expected to write it whole, was refused: {error.strerror or error}"
        raise FlowError(message) from error


def _named(files: Mapping[str, Sequence[Path | None]]) -> Iterator[tuple[str, Path]]:
    for option, paths in files.items():
        for path in paths:
            if path is not None:
                yield option, path


def _check_place(option: str, path: Path) -> None:
    if not path.parent.is_dir():
        message = f"{option}: expected a file in a folder that exists, it was {path}"
        raise ConfigError(message)
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        message = f"{option}: expected a file that can be written, it was {path}"
        raise ConfigError(message)
