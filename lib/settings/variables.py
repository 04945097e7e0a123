"""One environment variable as one class attribute: name, type, default, bounds and what it is for, in one row.

A setting is declared as `attempts: int = whole("RETRY_MAX_ATTEMPTS", 3, "…")` in a `Group`; its constructor, the reader
and the table in the README follow from that. An empty value counts as unset.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Final, NoReturn, Self, TypeVar, cast, dataclass_transform

from lib.errors import SettingsError

T = TypeVar("T")
Number = TypeVar("Number", int, float)
OneGroup = TypeVar("OneGroup", bound="Group")

PRICE: Final = "input/output in dollars per million tokens, such as 2.5/10"
ON: Final = frozenset({"1", "true", "on", "yes"})
OFF: Final = frozenset({"0", "false", "off", "no"})


@dataclass(frozen=True, slots=True)
class Variable:
    """What is known about one environment variable."""

    name: str
    purpose: str
    takes: str
    """Completes "… must be"."""
    shown_default: str
    """As the table shows it."""
    parse: Callable[[str], object]
    """Raises ValueError for a text the variable does not take."""
    default: object
    development: object = None
    """Default outside production, where it differs."""
    secret: bool = False
    """Left out of every repr."""

    def read(self, env: Mapping[str, str], *, production: bool) -> object:
        """The value in force. Raises SettingsError naming the variable and what it takes."""
        given = env.get(self.name, "").strip()
        if not given:
            return self.default if production or self.development is None else self.development
        try:
            return self.parse(given)
        except ValueError:
            # The value is not repeated: it may be a secret put into the wrong variable.
            raise SettingsError(f"{self.name} must be {self.takes}") from None


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Group:
    """Settings of one part of the product: immutable, made by keyword, defaults from the rows.

    To a type checker and to its users a frozen dataclass. Generating a dozen real ones takes 8 ms of every cold start.
    """

    rows: ClassVar[Mapping[str, Variable]]

    def __init_subclass__(cls) -> None:
        cls.rows = MappingProxyType({name: row for name, row in vars(cls).items() if isinstance(row, Variable)})

    def __init__(self, **values: object) -> None:
        for name, row in self.rows.items():
            object.__setattr__(self, name, values.pop(name, row.default))
        if values:
            raise TypeError(f"{type(self).__name__} has no {', '.join(values)}")

    @classmethod
    def from_env(cls, env: Mapping[str, str], *, production: bool) -> Self:
        """The values in force. Raises SettingsError naming the variable and what it takes."""
        return cls(**{name: row.read(env, production=production) for name, row in cls.rows.items()})

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__}.{name} is a setting and does not change")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(other) == vars(self)

    def __hash__(self) -> int:
        return hash(type(self))

    def __repr__(self) -> str:
        shown = (f"{name}={getattr(self, name)!r}" for name, row in self.rows.items() if not row.secret)
        return f"{type(self).__name__}({', '.join(shown)})"


def declared(row: Variable, default: T) -> T:
    """The row, typed as what it becomes in an instance (`default` tells the type)."""
    del default
    return cast("T", row)


def whole(name: str, default: int, purpose: str, *, low: int = 0, high: int = 10_000_000) -> int:
    """A setting that takes a whole number from `low` to `high`."""

    def parse(text: str) -> int:
        return _within(int(text), low, high)

    takes = f"a whole number from {low} to {high}"
    return declared(Variable(name, purpose, takes, str(default), parse, default), default)


def number(name: str, default: float, purpose: str, *, low: float = 0.0, high: float = 86_400.0) -> float:
    """A setting that takes a number from `low` to `high`, mostly seconds."""

    def parse(text: str) -> float:
        return _within(float(text), low, high)

    takes = f"a number from {low:g} to {high:g}"
    return declared(Variable(name, purpose, takes, f"{default:g}", parse, default), default)


def optional_number(name: str, purpose: str) -> float | None:
    """A setting that takes a number that is not negative, or is None when unset."""

    def parse(given: str) -> float:
        return _within(float(given), 0.0, 1_000_000.0)

    return declared(Variable(name, purpose, "a number from 0 to 1000000", "–", parse, None), None)


def flag(name: str, purpose: str, *, production: bool, development: bool | None = None) -> bool:
    """A setting that is on or off; `development` is its default outside production where it differs."""
    shown = _on(production) if development is None else f"{_on(development)}; {_on(production)} in production"
    return declared(Variable(name, purpose, "on or off", shown, _flag, production, development), production)


def switch(name: str, purpose: str, shown_default: str) -> bool | None:
    """A setting that is on, off, or left to the program (None)."""
    return declared(Variable(name, purpose, "on or off", shown_default, _flag, None), None)


def text(name: str, default: str, purpose: str) -> str:
    """A setting that takes any text."""
    return declared(Variable(name, purpose, "text", default or "–", str, default), default)


def choice(name: str, options: tuple[str, ...], purpose: str, *, default: str = "") -> str:
    """A setting that takes one of `options`."""

    def parse(given: str) -> str:
        if given not in options:
            raise ValueError(given)
        return given

    return declared(Variable(name, purpose, f"one of {', '.join(options)}", default or "–", parse, default), default)


def secret(name: str, purpose: str) -> str | None:
    """A setting for a secret: None when unset, never shown."""
    return declared(Variable(name, purpose, "a secret text", "–", str, None, secret=True), None)


def secrets(name: str, purpose: str, *, shortest: int) -> tuple[str, ...]:
    """A setting for several secrets of that many characters at least, separated by commas; never shown."""

    def parse(given: str) -> tuple[str, ...]:
        if any(len(word) < shortest for word in _words(given)):
            raise ValueError
        return _words(given)

    nothing: tuple[str, ...] = ()
    takes = f"a comma-separated list of secret texts of {shortest} characters or more"
    return declared(Variable(name, purpose, takes, "–", parse, nothing, secret=True), nothing)


def words(name: str, purpose: str) -> tuple[str, ...]:
    """A setting that takes a comma-separated list."""
    nothing: tuple[str, ...] = ()
    return declared(Variable(name, purpose, "a comma-separated list", "–", _words, nothing), nothing)


def pairs(name: str, purpose: str, takes: str, parse: Callable[[str], T]) -> Mapping[str, T]:
    """A setting that takes `name=value,…`; `parse` reads one value and raises ValueError."""

    def parse_all(given: str) -> Mapping[str, T]:
        return MappingProxyType({key: parse(value) for key, value in map(_pair, _words(given))})

    nothing: Mapping[str, T] = MappingProxyType({})
    return declared(Variable(name, purpose, takes, "–", parse_all, nothing), nothing)


def price(name: str, default: tuple[float, float], purpose: str) -> tuple[float, float]:
    """A setting that takes `input/output` in dollars per million tokens."""
    return declared(Variable(name, purpose, PRICE, f"{default[0]:g}/{default[1]:g}", _price, default), default)


def optional_price(name: str, purpose: str) -> tuple[float, float] | None:
    """The same, or None when unset."""
    return declared(Variable(name, purpose, PRICE, "–", _price, None), None)


def dollars(name: str, purpose: str) -> int:
    """A setting that takes dollars and holds micro-dollars, 0 when unset."""
    takes = "a number of dollars that is not negative"
    return declared(Variable(name, purpose, takes, "–", dollars_as_micro_usd, 0), 0)


def dollars_as_micro_usd(given: str) -> int:
    """Dollars as integer micro-dollars. Raises ValueError when negative or not finite."""
    return round(_within(float(given), 0.0, 1_000_000_000.0) * 1_000_000)


def _within(value: Number, low: float, high: float) -> Number:
    if not low <= value <= high:  # also false for NaN
        raise ValueError(value)
    return value


def _flag(given: str) -> bool:
    lowered = given.lower()
    if lowered not in ON | OFF:
        raise ValueError(given)
    return lowered in ON


def _price(given: str) -> tuple[float, float]:
    dollars_in, _, dollars_out = given.partition("/")
    return _within(float(dollars_in), 0.0, 10_000.0), _within(float(dollars_out), 0.0, 10_000.0)


def _words(given: str) -> tuple[str, ...]:
    return tuple(word for item in given.split(",") if (word := item.strip()))


def _pair(item: str) -> tuple[str, str]:
    key, equals, value = item.partition("=")
    if not equals or not key.strip() or not value.strip():
        raise ValueError(item)
    return key.strip(), value.strip()


def _on(value: object) -> str:
    return "on" if value else "off"
