"""Write the table of who may call what into docs/access.md, from the rows that the tests hold the product to.

`python -m scripts.access_table` rewrites it; with `--check` it exits 1 when the page says something else.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from scripts.page_part import keep
from tests.support.auth_matrix import with_table

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "access.md"


def main(arguments: Sequence[str], path: Path = PAGE) -> int:
    """Rewrite the table, or check it. The exit status: 1 when a check fails."""
    return keep(arguments, path, with_table, "shows another table; run python -m scripts.access_table")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
