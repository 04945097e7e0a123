"""Write the settings table of the README from the settings themselves, between two markers.

`python -m scripts.settings_table` rewrites it; with `--check` it exits 1 when the README says something else.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from lib.catalog.providers import PROVIDERS
from lib.settings import GROUPS, base_url_variable
from lib.settings.settings import OTHER_KEY_VARIABLES
from scripts.page_part import keep

README: Final = Path(__file__).resolve().parent.parent / "README.md"
BEGIN: Final = "<!-- settings:begin -->"
END: Final = "<!-- settings:end -->"
HEAD: Final = ("| variable | takes | default | what it does |", "|---|---|---|---|")


def table() -> str:
    """The table in Markdown, one part per group of settings, the providers' keys last."""
    lines = [*HEAD]
    for group in GROUPS:
        lines.append(part((group.__doc__ or "").partition("\n")[0]))
        lines.extend(
            f"| `{row.name}` | {_cell(row.takes)} | {_cell(row.shown_default)} | {_cell(row.purpose)} |"
            for row in group.rows.values()
        )
    lines.append(part("Providers: a key each; `<PROVIDER>_BASE_URL` overrides an address."))
    lines.extend(provider_lines())
    return "\n".join(lines)


def part(title: str) -> str:
    """The line that opens a part of the table."""
    return f"| **{_cell(title)}** | | | |"


def provider_lines() -> Iterator[str]:
    """One line per provider: its key variable and the variable that overrides its base URL."""
    for row in PROVIDERS:
        if row.key_variable:
            others = "".join(f" or `{name}`" for name in OTHER_KEY_VARIABLES.get(row.key_variable, ()))
            address = row.base_url or "no address of its own: set"
            purpose = f"key of {row.id}; {address} (`{base_url_variable(row.id)}`)"
            yield f"| `{row.key_variable}`{others} | a secret text | – | {purpose} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def with_table(document: str) -> str:
    """The document with the table between its markers. Raises ValueError when a marker is missing."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the document needs {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def main(arguments: Sequence[str], path: Path = README) -> int:
    """Rewrite the table, or check it. The exit status: 1 when a check fails."""
    return keep(
        arguments, path, with_table, "shows other settings than there are; run python -m scripts.settings_table"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
