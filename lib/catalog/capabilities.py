"""What models can do: the words a `ModelRow` uses, and the combinations most rows have."""

from __future__ import annotations

from typing import Final

CAPABILITIES: Final = frozenset({"vision", "tools", "json", "reasoning", "stream"})
TEXT: Final = frozenset({"tools", "json", "stream"})
VISION: Final = TEXT | {"vision"}
REASONING: Final = TEXT | {"reasoning"}
VISION_AND_REASONING: Final = CAPABILITIES
