"""A part of a page that is made from the code: written into it, or checked against it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path


def keep(arguments: Sequence[str], path: Path, made: Callable[[str], str], complaint: str) -> int:
    """Rewrite the page as `made` has it; with `--check` only complain. The exit status: 1 when a check fails."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true", help="change nothing, exit 1 when the page is out of date")
    check = parser.parse_args(arguments).check
    page = path.read_text(encoding="utf-8")
    wanted = made(page)
    if page == wanted:
        return 0
    if check:
        sys.stderr.write(f"{path.name} {complaint}\n")
        return 1
    path.write_text(wanted, encoding="utf-8")
    return 0
