"""Model names as vendors date them: `gpt-4o-2024-08-06`, `claude-haiku-4-5-20251001`, `gpt-4-0613`, `…@20261001`."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_DATE: Final = re.compile(r"[-@](?:\d{3,8}|\d{4}-\d\d-\d\d|\d\d-\d\d|\d\d-\d{4}|latest|preview)$")


@lru_cache(maxsize=1024)
def readings(name: str) -> tuple[str, ...]:
    """What a (lower-case) name may mean, longest first: as it is, then without each date or `-latest` at its end."""
    if not name:
        return ()
    shorter = _DATE.sub("", name)
    return (name,) if shorter == name else (name, *readings(shorter))
