"""A copy of the tree as `vercel deploy` would upload it: what `.vercelignore` and the CLI's own list leave."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final

from pathspec import GitIgnoreSpec

ALWAYS_IGNORED: Final = (
    ".git", ".gitignore", ".gitmodules", ".cache", ".vercel", ".env.local", ".env.*.local", ".venv", "venv",
    "__pycache__", "node_modules", ".DS_Store", ".*.swp",
)  # fmt: skip
"""The part of the CLI's own list that can occur here. It does not read .gitignore."""


def upload(root: Path, target: Path) -> tuple[Path, ...]:
    """Copy to the empty folder `target`; returns the relative paths, sorted."""
    own = root / ".vercelignore"
    lines = own.read_text(encoding="utf-8").splitlines() if own.exists() else []
    ignored = GitIgnoreSpec.from_lines([*ALWAYS_IGNORED, *lines])
    copied: list[Path] = []
    for folder, names, files in os.walk(root):
        here = Path(folder).relative_to(root)
        names[:] = sorted(name for name in names if not ignored.match_file(f"{here / name}/"))
        for name in files:
            path = here / name
            if not ignored.match_file(str(path)):
                (target / here).mkdir(parents=True, exist_ok=True)
                shutil.copyfile(root / path, target / path)
                copied.append(path)
    return tuple(sorted(copied))
