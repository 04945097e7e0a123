"""Runs the real `vercel build` on an uploaded copy, as the first deployment of a new project."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scripts.deploy_check.toolchain import Toolchain, without_python

BUILD_SECONDS: Final = 300
SETTINGS: Final = {
    "framework": None,
    "devCommand": None,
    "installCommand": None,
    "buildCommand": None,
    "outputDirectory": None,
    "rootDirectory": None,
    "nodeVersion": "22.x",
}
"""A project nobody has configured. The CLI wants a linked one; the ids are never sent anywhere."""
EXPECTED: Final = "Build not running on Vercel"
"""The one warning that every build away from Vercel carries."""
_COLOURS: Final = re.compile(r"\x1b\[[0-9;]*m")
_WARNING: Final = re.compile(r"^\s*(?:warn(?:ing)?\b|⚠)|\bdeprecat|\bwill be ignored\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Built:
    """What the builder said."""

    code: int
    log: str

    @property
    def complaints(self) -> Iterator[str]:
        """A failure, and every line that warns."""
        lines = [line for line in _COLOURS.sub("", self.log).splitlines() if line.strip()]
        if self.code:
            yield f"vercel build ended with {self.code}:\n  " + "\n  ".join(lines[-15:])
        warnings = (line.strip() for line in lines if _WARNING.search(line) and EXPECTED not in line)
        yield from (f"the build warns: {line}" for line in warnings)


def build(tree: Path, tools: Toolchain, scratch: Path) -> Built:
    """Build the uploaded `tree` in place; the CLI's own files go to `scratch`."""
    (tree / ".vercel").mkdir()
    project = {"projectId": "prj_local", "orgId": "team_local", "settings": SETTINGS}
    (tree / ".vercel/project.json").write_text(json.dumps(project), encoding="utf-8")
    programs = scratch / "bin"
    programs.mkdir()
    for name, path in {"uv": tools.uv, **{f"python{v}": path for v, path in tools.pythons.items()}}.items():
        (programs / name).symlink_to(path)
    env = {
        **without_python(os.environ),
        **_build_environment(tree),
        "PATH": os.pathsep.join((str(programs), os.environ.get("PATH", os.defpath))),
        "XDG_DATA_HOME": str(scratch / "data"),
        "XDG_CONFIG_HOME": str(scratch / "config"),
        "VERCEL_FIRST_DEPLOYMENT": "1",  # the framework is detected, as for a new project
        "VERCEL_TELEMETRY_DISABLED": "1",
        "CI": "1",
        "NO_COLOR": "1",
    }
    done = subprocess.run(
        [tools.vercel, "build", "--yes"],
        cwd=tree,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=BUILD_SECONDS,
    )
    return Built(done.returncode, done.stdout)


def _build_environment(tree: Path) -> dict[str, str]:
    """`build.env` of vercel.json, which only Vercel's own machines apply."""
    config: dict[str, dict[str, dict[str, str]]] = json.loads((tree / "vercel.json").read_text(encoding="utf-8"))
    return config.get("build", {}).get("env", {})
