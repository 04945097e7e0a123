"""An operator's own lifetime rules, from JSON: tried before the shipped ones, and what they say is said.

    [{"name": "menu", "class": "time_sensitive", "words": ["lunch menu", "菜单"], "seconds": 600}, …]

`words` are literal, of any language; `seconds` overrides the lifetime of the class.
"""

from __future__ import annotations

import re
from typing import Final

from lib.contract import Json, JsonObject
from lib.errors import SettingsError
from lib.json_text import parse
from lib.kv.cache.ttl_rules import TtlClass, TtlRule

VARIABLE: Final = "CACHE_TTL_RULES"
MOST_RULES: Final = 100
MOST_WORDS: Final = 200
LONGEST_WORD: Final = 100
LONGEST_SECONDS: Final = 2_592_000
"""30 days."""
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_FIELDS: Final = frozenset({"name", "class", "words", "seconds"})


def rules_from_json(text: str) -> tuple[TtlRule, ...]:
    """The rules in their order. Raises SettingsError that names the rule, its field, and what that takes."""
    try:
        rows = parse(text)
    except ValueError as error:
        raise SettingsError(f"{VARIABLE} is not JSON: {error}") from error
    if not isinstance(rows, list) or len(rows) > MOST_RULES:
        raise SettingsError(f"{VARIABLE} must be a list of at most {MOST_RULES} rules")
    rules = tuple(_rule(row, f"{VARIABLE}[{index}]") for index, row in enumerate(rows))
    names = [rule.name for rule in rules]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise SettingsError(f"{VARIABLE} has two rules with the name {twice}")
    return rules


def _rule(row: Json, where: str) -> TtlRule:
    if not isinstance(row, dict):
        raise SettingsError(f"{where} must be an object")
    if strange := sorted(row.keys() - _FIELDS):
        raise SettingsError(f"{where} has {strange[0]!r}, which is none of {', '.join(sorted(_FIELDS))}")
    name, kind = row.get("name"), row.get("class")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise SettingsError(f"{where}.name must be a word of a-z, 0-9 and _, at most 40 long")
    if not isinstance(kind, str) or kind not in set(TtlClass):
        raise SettingsError(f"{where}.class must be one of {', '.join(TtlClass)}")
    return TtlRule(name, TtlClass(kind), _pattern(_words(row, where)), _seconds(row, where))


def _words(row: JsonObject, where: str) -> list[str]:
    given = row.get("words")
    words = (
        [" ".join(word.lower().split()) for word in given if isinstance(word, str)] if isinstance(given, list) else []
    )
    usable = isinstance(given, list) and len(words) == len(given) and all(0 < len(w) <= LONGEST_WORD for w in words)
    if not usable or not 1 <= len(words) <= MOST_WORDS:
        raise SettingsError(f"{where}.words must be 1 to {MOST_WORDS} texts of 1 to {LONGEST_WORD} characters")
    return words


def _seconds(row: JsonObject, where: str) -> int | None:
    given = row.get("seconds")
    if given is None:
        return None
    if not isinstance(given, int) or isinstance(given, bool) or not 1 <= given <= LONGEST_SECONDS:
        raise SettingsError(f"{where}.seconds must be a whole number from 1 to {LONGEST_SECONDS}")
    return given


def _pattern(words: list[str]) -> re.Pattern[str]:
    """Whole words where there are blanks between words, any place elsewhere. Literal, so that matching is linear."""
    return re.compile("|".join(_bounded(word) for word in words))


def _bounded(word: str) -> str:
    before, after = (r"\b" if end.isascii() and end.isalnum() else "" for end in (word[0], word[-1]))
    return before + re.escape(word) + after
