"""The broker's jars: fetched once into a cache, checked against the committed lock each time."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.child_process import ChildError

_FETCHES = 3
"""How often fetching is tried; a registry that fails this often is down, not slow."""


def cache_directory() -> Path:
    """Return where fetched programs are kept: ``FORCEDFLOW_CACHE``, else ``.forcedflow/`` here."""
    chosen = os.environ.get("FORCEDFLOW_CACHE")
    own = Path(__file__).resolve().parent.parent / ".forcedflow"
    return Path(chosen).resolve() if chosen else own


def locked_hashes(lock_file: Path) -> dict[str, str]:
    """Return the sha256 of each jar of a lock file, by file name."""
    locked = tomllib.loads(lock_file.read_text())["dependencies"]
    return {f"{jar['artifactId']}-{jar['version']}.jar": jar["sha256"] for jar in locked}


def verified_jars(settings: Path, cache: Path, *, java: Path) -> list[Path]:
    """Return the broker's class path, every jar checked.

    Parameters
    ----------
    settings : folder with ``jgo.toml`` and ``jgo.lock.toml``
    cache : folder shared between runs; jars that are missing from it are fetched
    java : the Java program; the resolver is never left to fetch one

    Raises
    ------
    ChildError
        when a jar cannot be fetched, or its sha256 differs from the lock's.
    """
    lock_file = settings / "jgo.lock.toml"
    hashes = locked_hashes(lock_file)
    # A folder for each jgo.toml: another version of the project keeps its own jars.
    version = hashlib.sha256((settings / "jgo.toml").read_bytes()).hexdigest()[:12]
    home = cache / "kafka" / version
    home.mkdir(parents=True, exist_ok=True)
    with _alone(home / "lock"):
        if not hashes.keys() <= _jars(home).keys():
            _fetch(settings, home, java=java)
        found = _jars(home)
    for name, expected in hashes.items():
        if name not in found:
            raise ChildError(
                f"{lock_file} names {name}, which the resolver did not bring to {home}"
            )
        actual = hashlib.sha256(found[name].read_bytes()).hexdigest()
        if actual != expected:
            raise ChildError(
                f"expected sha256 {expected} of {name} (from {lock_file}), it was {actual} in "
                f"{found[name]}; remove {home} to fetch it again"
            )
    return [found[name] for name in hashes]


def _jars(home: Path) -> dict[str, Path]:
    return {jar.name: jar for jar in (home / ".jgo").glob("*/*.jar")}


def _fetch(settings: Path, home: Path, *, java: Path) -> None:
    shutil.copyfile(settings / "jgo.toml", home / "jgo.toml")
    options = ["--ignore-config", "--resolver", "python", "--links", "hard", "--system-java"]
    options += ["--timeout", "60", "--repo-cache", str(home / "repository")]
    environment = {key: text for key, text in os.environ.items() if not key.startswith("JGO_")}
    environment |= {"JAVA_HOME": str(java.parent.parent), "JGO_CACHE_DIR": str(home / "analysis")}
    command = [sys.executable, "-m", "jgo", *options, "sync", "--force"]
    for _ in range(_FETCHES):
        run = subprocess.run(  # noqa: S603  no word of it comes from outside
            command, cwd=home, env=environment, capture_output=True, text=True, check=False
        )
        if run.returncode == 0:
            return
    raise ChildError(f"the broker's jars could not be fetched:\n{run.stderr[-2000:]}")


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
