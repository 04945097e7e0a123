"""Loads the Lua scripts that run inside the KV, without the comments and indentation that only readers need."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Final

_HEADER: Final = "#!lua flags=allow-key-locking\n"
"""Upstash then locks the script's own keys only, not the whole database."""


@cache
def script(*names: str) -> str:
    """The named parts joined into one script, ready for EVAL."""
    folder = Path(__file__).parent
    text = "\n".join((folder / f"{name}.lua").read_text(encoding="utf-8") for name in names)
    return _HEADER + re.sub(r"(?m)^[ \t]+|^--.*\n|^\s*\n", "", text)
