"""What a build needs: node with npm, a real CPython 3.12 or newer, the Vercel CLI and uv; the last two are installed.

They go to a cache folder of their own and are kept between runs.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

VERCEL: Final = "64.0.2"
OVERRIDES: Final = {"sandbox": "4.5.0"}
"""This CLI asks for a `sandbox` version that was never published."""
UV: Final = "uv>=0.9.25,<1"
OLDEST_NODE: Final = 20
PYTHONS: Final = ("3.12", "3.13", "3.14")
"""The versions Vercel runs."""
INSTALL_SECONDS: Final = 300


class MissingToolError(Exception):
    """The check cannot run on this machine; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Toolchain:
    """Paths of the programs; `pythons` maps a version such as `3.12` to its interpreter."""

    vercel: Path
    uv: Path
    pythons: Mapping[str, Path]


def cache_folder(root: Path, env: Mapping[str, str]) -> Path:
    """Where the tools live: below `XDG_CACHE_HOME`, else in the tree's ignored `.cache`."""
    base = env.get("XDG_CACHE_HOME")
    return (Path(base) / "ai-orchestrator" if base else root / ".cache") / "deploy-check"


def prepare(root: Path, env: Mapping[str, str]) -> Toolchain:
    """Find what must be there and install the rest.

    Raises:
        MissingToolError: there is no node, npm or CPython, or an installation failed.
    """
    _require_node()
    pythons = dict(find_pythons(Path.home(), env))
    if not pythons:
        raise MissingToolError(f"no CPython {', '.join(PYTHONS)} on this machine")
    cache = cache_folder(root, env)
    return Toolchain(_vercel(cache / f"vercel-{VERCEL}"), _uv(cache / "uv", next(iter(pythons.values()))), pythons)


def find_pythons(home: Path, env: Mapping[str, str]) -> Iterator[tuple[str, Path]]:
    """Real interpreters, not shims (a shim answers with whatever version the folder asks for)."""
    homes = (Path(env.get("PYENV_ROOT") or home / ".pyenv") / "versions", home / ".local/share/uv/python")
    places = [path / "bin" for folder in homes if folder.is_dir() for path in sorted(folder.iterdir(), reverse=True)]
    places += [Path("/usr/local/bin"), Path("/usr/bin")]
    for version in PYTHONS:
        for place in places:
            if (place / f"python{version}").exists():
                yield version, place / f"python{version}"
                break


def without_python(env: Mapping[str, str]) -> dict[str, str]:
    """The environment for a build or a function: nothing of this program's own interpreter or of a Vercel account."""
    private = {"VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "PYENV_VERSION", "VERCEL", "VERCEL_TOKEN"}
    return {name: value for name, value in env.items() if name not in private}


def _require_node() -> None:
    if not (node := shutil.which("node")) or not shutil.which("npm"):
        raise MissingToolError(f"no node with npm, {OLDEST_NODE} or newer")
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    version = re.match(r"v(\d+)", said)
    if not version or int(version[1]) < OLDEST_NODE:
        raise MissingToolError(f"node is {said or 'broken'}, {OLDEST_NODE} or newer is needed")


def _vercel(folder: Path) -> Path:
    program = folder / "node_modules/.bin/vercel"
    if not (folder / "installed").exists():
        folder.mkdir(parents=True, exist_ok=True)
        package = {"private": True, "dependencies": {"vercel": VERCEL}, "overrides": OVERRIDES}
        (folder / "package.json").write_text(json.dumps(package), encoding="utf-8")
        _install(["npm", "install", "--no-audit", "--no-fund", "--loglevel=error"], folder, f"Vercel CLI {VERCEL}")
    return program


def _uv(folder: Path, python: Path) -> Path:
    if not (folder / "installed").exists():
        folder.mkdir(parents=True, exist_ok=True)
        _install([str(python), "-m", "venv", "venv"], folder, "uv", mark=False)
        _install(["venv/bin/python", "-m", "pip", "install", "-qq", UV], folder, "uv")
    return folder / "venv/bin/uv"


def _install(command: list[str], folder: Path, what: str, *, mark: bool = True) -> None:
    """Run in `folder`; a mark is left at the end so that a broken installation is begun again."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=without_python(os.environ),
            capture_output=True,
            text=True,
            check=False,
            timeout=INSTALL_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise MissingToolError(f"{what} was not installed within {INSTALL_SECONDS} s") from error
    if done.returncode:
        reason = (done.stderr or done.stdout).strip().splitlines()
        raise MissingToolError(f"{what} could not be installed: {reason[-1] if reason else done.returncode}")
    if mark:
        (folder / "installed").touch()
