"""Reads the build's output: which functions there are, what each one carries, and what is published as static files."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from lib.contract import JsonObject

MEBIBYTE: Final = 1024 * 1024
LARGEST_MEBIBYTES: Final = 225
"""Of a function's bundle, unpacked: beyond it the builder installs dependencies while the function starts."""
MOST_FUNCTIONS: Final = 12
FOREIGN: Final = frozenset(
    {"tests", "docs", "bench", "dev", "scripts", "training", "public", ".git", ".ci", "Makefile", "README.md"}
)
DEVELOPMENT: Final = frozenset(
    {"pytest", "_pytest", "mypy", "ruff", "fakeredis", "respx", "hypothesis", "genai_prices"}
)
_SOURCE: Final = re.compile(r"\.(?:py|pyc|toml|ini|lock|lua)$|(?:^|/)(?:requirements[^/]*\.txt|vercel\.json|\.[^/]+)$")
_VENDOR: Final = "_vendor/"


@dataclass(frozen=True, slots=True)
class Bundle:
    """One built function. `files` maps its paths below /var/task to files on this machine."""

    path: str
    config: JsonObject
    files: Mapping[str, Path]

    @property
    def python(self) -> str:
        """The version that runs it, e.g. `3.12`."""
        return str(self.config.get("runtime", "")).removeprefix("python")

    @property
    def mebibytes(self) -> float:
        """Size on disk, dependencies included."""
        return sum(path.stat().st_size for path in self.files.values()) / MEBIBYTE

    def unpack(self, target: Path) -> None:
        """Lay the files out as in /var/task; linked where the file system allows, since bundles are large."""
        for name, path in self.files.items():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(path, target / name)
            except OSError:
                shutil.copyfile(path, target / name)

    def complaints(self) -> Iterator[str]:
        """What has no place in production."""
        own = [name for name in self.files if not name.startswith(_VENDOR)]
        packages = {name.split("/")[1] for name in self.files if name.startswith(_VENDOR)}
        for name in sorted({name.split("/")[0] for name in own} & FOREIGN):
            yield f"{self.path}: {name} is in the bundle"
        yield from (f"{self.path}: {name} is in the bundle" for name in own if Path(name).name.startswith(".env"))
        yield from (f"{self.path}: the test package {name} is in the bundle" for name in sorted(packages & DEVELOPMENT))
        if not any(name.endswith(".pyc") for name in own):
            yield f"{self.path}: no bytecode, so cold starts compile every module"
        if self.mebibytes > LARGEST_MEBIBYTES:
            yield f"{self.path}: {self.mebibytes:.0f} MiB, at most {LARGEST_MEBIBYTES}"


@dataclass(frozen=True, slots=True)
class Output:
    """The build's whole output."""

    bundles: tuple[Bundle, ...]
    static: tuple[str, ...]

    def complaints(self, uploaded: tuple[Path, ...]) -> Iterator[str]:
        """Every reason not to deploy this, given what was uploaded."""
        wanted = {f"/{path.with_suffix('')}" for path in uploaded if path.parts[0] == "api" and path.suffix == ".py"}
        built = {bundle.path for bundle in self.bundles}
        yield from (f"{path}: no function was built" for path in sorted(wanted - built))
        if len(self.bundles) > MOST_FUNCTIONS:
            yield f"{len(self.bundles)} functions, at most {MOST_FUNCTIONS}"
        for bundle in self.bundles:
            yield from bundle.complaints()
        yield from (f"{name} is published as a static file" for name in self.static if _SOURCE.search(name))
        if not self.static:
            yield "no page is published"


def read_output(tree: Path) -> Output:
    """The output of a build of `tree`, functions by path."""
    output = tree / ".vercel/output"
    configs = sorted((output / "functions").rglob(".vc-config.json"))
    files = (path.relative_to(output / "static") for path in sorted((output / "static").rglob("*")) if path.is_file())
    return Output(tuple(_bundle(tree, path) for path in configs), tuple(str(path) for path in files))


def _bundle(tree: Path, config_path: Path) -> Bundle:
    folder = config_path.parent
    config = cast("JsonObject", json.loads(config_path.read_text(encoding="utf-8")))
    mapped = cast("dict[str, str]", config.get("filePathMap") or {})
    files = {name: tree / path for name, path in mapped.items()}
    own = (path for path in folder.rglob("*") if path.is_file() and path != config_path)
    files.update({str(path.relative_to(folder)): path for path in own})
    path = "/" + str(folder.relative_to(tree / ".vercel/output/functions")).removesuffix(".func")
    return Bundle(path, config, files)
