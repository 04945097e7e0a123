"""What a package adds to a deployment: the size of its files and of everything it needs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Final

NAME: Final = re.compile(r"[A-Za-z0-9._-]+")
MEBIBYTE: Final = 1024 * 1024


def mebibytes(package: str) -> float:
    """Size of a package and its requirements as installed, without bytecode."""
    sizes = (
        Path(str(file.locate())).stat().st_size
        for name in closure(package)
        for file in metadata.files(name) or ()
        if file.suffix != ".pyc" and ".." not in file.parts
    )
    return sum(sizes) / MEBIBYTE


def closure(package: str) -> set[str]:
    """The package and, in turn, whatever it needs without extras here."""
    found: set[str] = set()
    waiting = [package]
    while waiting:
        name = waiting.pop().lower().replace("_", "-")
        if name not in found:
            found.add(name)
            waiting.extend(_requirements(name))
    return found


def _requirements(package: str) -> Iterator[str]:
    for line in metadata.requires(package) or ():
        requirement, _, condition = line.partition(";")
        match = NAME.match(requirement)
        if match and "extra" not in condition and _installed(match[0]):
            yield match[0]


def _installed(package: str) -> bool:
    try:
        metadata.distribution(package)
    except metadata.PackageNotFoundError:
        return False
    return True
