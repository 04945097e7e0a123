"""The environment of a local run: what the shell says, then `.env.local`, then `.env`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

ENV_FILES: Final = (".env.local", ".env")
"""The first that sets a variable wins, as with Vercel's own tools."""


def assignments(text: str) -> Iterator[tuple[str, str]]:
    """`NAME=value` pairs of an env file: `export`, comments and surrounding quotes are taken off."""
    for line in text.splitlines():
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if not equals or name.startswith("#"):
            continue
        value = value.strip()
        if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        else:
            value = value.partition(" #")[0].rstrip()
        yield name.strip(), value


def local_environment(root: Path, shell: Mapping[str, str]) -> dict[str, str]:
    """The shell's variables, completed by the env files of `root`."""
    known: dict[str, str] = dict(shell)
    for name in ENV_FILES:
        path = root / name
        if path.is_file():
            known = {**dict(assignments(path.read_text(encoding="utf-8"))), **known}
    return known
