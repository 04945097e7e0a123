"""Write the table of who may call what into docs/access.md, from the rows that the tests hold the product to.

`python -m scripts.access_table` rewrites it; with `--check` it exits 1 when the page says something else.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.support.auth_matrix import with_table

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "access.md"


def main(arguments: Sequence[str], path: Path = PAGE) -> int:
    """Rewrite the table, or check it. The exit status: 1 when a check fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, exit 1 when the table is out of date")
    check = parser.parse_args(arguments).check
    page = path.read_text(encoding="utf-8")
    wanted = with_table(page)
    if page == wanted:
        return 0
    if check:
        sys.stderr.write(f"{path.name} shows another table; run python -m scripts.access_table\n")
        return 1
    path.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
