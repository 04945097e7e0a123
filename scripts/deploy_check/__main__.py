"""`python -m scripts.deploy_check`: would this tree deploy? Builds it as Vercel does and starts every function once.

Exits 0 with `skipped: reason` on a machine that lacks node or a CPython that Vercel runs.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from scripts.deploy_check.build import build
from scripts.deploy_check.bundle import Bundle, read_output
from scripts.deploy_check.start import StartError, start
from scripts.deploy_check.toolchain import MissingToolError, Toolchain, prepare
from scripts.deploy_check.upload import upload

ROOT: Final = Path(__file__).resolve().parent.parent.parent


def check(tools: Toolchain, scratch: Path) -> Iterator[str]:
    """Every reason not to deploy; prints what was built on the way."""
    tree = scratch / "tree"
    tree.mkdir()
    uploaded = upload(ROOT, tree)
    built = build(tree, tools, scratch)
    yield from built.complaints
    if built.code:
        return
    output = read_output(tree)
    print(f"{len(uploaded)} files uploaded, {len(output.bundles)} functions, {len(output.static)} static files")
    yield from output.complaints(uploaded)
    for number, bundle in enumerate(output.bundles):
        yield from _started(bundle, tools, scratch / f"{number}")


def _started(bundle: Bundle, tools: Toolchain, scratch: Path) -> Iterator[str]:
    python = tools.pythons.get(bundle.python)
    if python is None:
        print(f"  {bundle.path}: {bundle.mebibytes:.1f} MiB; not started, no CPython {bundle.python} here")
        return
    scratch.mkdir()
    try:
        started = start(bundle, python, scratch)
    except StartError as error:
        yield str(error)
        return
    size = f"{bundle.mebibytes:.1f} MiB in {len(bundle.files)} files"
    print(f"  {bundle.path}: {size}, imports {started.import_ms} ms, first answer {started.status}")
    if started.complaint:
        yield started.complaint


def main() -> int:
    """1 when there is a reason not to deploy."""
    try:
        tools = prepare(ROOT, os.environ)
    except MissingToolError as missing:
        print(f"deploy-check skipped: {missing}")
        return 0
    with tempfile.TemporaryDirectory(prefix="deploy-check-") as scratch:
        found = list(check(tools, Path(scratch)))
    for complaint in found:
        print(f"deploy-check: {complaint}", file=sys.stderr)
    print(f"deploy-check {'failed' if found else 'passed'}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
