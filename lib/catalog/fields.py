"""Reading an object of a JSON setting field by field, so that an error names the very field and what it takes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from lib.contract import Json, JsonObject
from lib.errors import SettingsError

REQUIRED: Final = object()
"""Default of a field that has none."""


class Fields:
    """One JSON object at `path` (e.g. `GATEWAY_MODELS: models[0]`); every reader raises SettingsError."""

    def __init__(self, value: Json, path: str) -> None:
        if not isinstance(value, dict):
            raise SettingsError(f"{path} must be a JSON object")
        self._values: JsonObject = value
        self._path = path
        self._known: set[str] = set()

    def error(self, name: str, takes: str) -> SettingsError:
        """The error that says what field `name` takes."""
        return SettingsError(f"{self._path}.{name} {takes}")

    def _take(self, name: str, default: object, takes: str) -> Json:
        self._known.add(name)
        value = self._values.get(name)
        if value is None and default is REQUIRED:
            raise self.error(name, f"is required and {takes}")
        return value

    def text(self, name: str, default: object = REQUIRED) -> str:
        """A string; a required one is not empty."""
        takes = "must be a non-empty string" if default is REQUIRED else "must be a string"
        value = self._take(name, default, takes)
        if value is None:
            return str(default)
        if not isinstance(value, str) or (default is REQUIRED and not value.strip()):
            raise self.error(name, takes)
        return value.strip()

    def integer(self, name: str, default: object = REQUIRED, *, low: int = 1, high: int = 100_000_000) -> int:
        """A whole number from `low` to `high`."""
        takes = f"must be a whole number from {low} to {high}"
        value = self._take(name, default, takes)
        if value is None and isinstance(default, int):
            return default
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise self.error(name, takes)
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        """`true` or `false`."""
        value = self._take(name, default, "")
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.error(name, "must be true or false")
        return value

    def prices(self, name: str) -> tuple[float, float] | None:
        """`[input, output]` in dollars per million tokens, or None when absent."""
        value = self._take(name, None, "")
        if value is None:
            return None
        match value:
            case [int() | float() as input_, int() | float() as output] if _is_price(input_) and _is_price(output):
                return float(input_), float(output)
            case _:
                pass
        raise self.error(name, "must be [input, output] in dollars per million tokens, neither negative")

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of strings, empty when absent."""
        value = self._take(name, None, "")
        if value is None:
            return ()
        if not isinstance(value, list):
            raise self.error(name, "must be a list of strings")
        texts = tuple(item for item in value if isinstance(item, str))
        if len(texts) != len(value):
            raise self.error(name, "must be a list of strings")
        return texts

    def child(self, name: str) -> Fields:
        """The object at `name`, an empty one when absent."""
        return Fields(self._take(name, None, "") or {}, f"{self._path}.{name}")

    def children(self, name: str) -> Iterator[Fields]:
        """The objects of the list at `name`, none when absent."""
        value = self._take(name, None, "")
        if value is None:
            return
        if not isinstance(value, list):
            raise self.error(name, "must be a list of objects")
        for position, item in enumerate(value):
            yield Fields(item, f"{self._path}.{name}[{position}]")

    def done(self) -> None:
        """Refuse fields nobody asked for: most are misspelt."""
        for name in self._values:
            if name not in self._known:
                raise self.error(name, f"is not a field; there are {', '.join(sorted(self._known))}")


def _is_price(value: float) -> bool:
    """Whether this is a number that may be paid: true and false are none."""
    return not isinstance(value, bool) and math.isfinite(value) and value >= 0
