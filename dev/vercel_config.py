"""What vercel.json says about paths, so that a local run routes and answers as a deployment does.

`source` patterns are path-to-regexp's: `:name` is one segment, `:name*` any number, and a group in parentheses is a
regular expression.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lib.contract import Json

_TOKEN = re.compile(r"/:(?P<rest>\w+)\*|:(?P<name>\w+)|(?P<group>\()|(?P<text>[^:(])")


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A path answered by another path's function; the function still sees the path that was asked for."""

    source: re.Pattern[str]
    destination: str


@dataclass(frozen=True, slots=True)
class HeaderRule:
    """Headers added to every answer whose path matches."""

    source: re.Pattern[str]
    headers: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class VercelConfig:
    """The parts of vercel.json that a local server has to follow."""

    rewrites: tuple[Rewrite, ...]
    headers: tuple[HeaderRule, ...]

    @classmethod
    def read(cls, path: Path) -> VercelConfig:
        """Parse the file; a wrong shape is a `TypeError` naming the part."""
        config: Json = json.loads(path.read_text(encoding="utf-8"))
        rewrites = (
            Rewrite(pattern(_text(row, "source")), _text(row, "destination")) for row in _rows(config, "rewrites")
        )
        headers = (HeaderRule(pattern(_text(row, "source")), _pairs(row)) for row in _rows(config, "headers"))
        return cls(tuple(rewrites), tuple(headers))

    def rewritten(self, path: str) -> str | None:
        """Where a path that is no file and no function leads; None when nowhere."""
        for rewrite in self.rewrites:
            if found := rewrite.source.fullmatch(path):
                return filled(rewrite.destination, found.groupdict(default=""))
        return None

    def headers_for(self, path: str) -> Iterator[tuple[str, str]]:
        """Every header that the rules add to this path's answers."""
        for rule in self.headers:
            if rule.source.fullmatch(path):
                yield from rule.headers


def pattern(source: str) -> re.Pattern[str]:
    """The regular expression of a `source` pattern."""
    out: list[str] = []
    position = 0
    while found := _TOKEN.match(source, position):
        position = found.end()
        if found["rest"]:
            out.append(f"(?:/(?P<{found['rest']}>.*))?")
        elif found["name"]:
            out.append(f"(?P<{found['name']}>[^/]+)")
        elif found["group"]:
            position = _group_end(source, found.start())
            out.append(source[found.start() : position])
        else:
            out.append(re.escape(found["text"]))
    return re.compile("".join(out), re.DOTALL)  # the platform matches encoded paths, which hold no line break


def filled(destination: str, names: Mapping[str, str]) -> str:
    """The destination with what the source's names matched; a name that the source lacks stays as it is."""
    return re.sub(r":(\w+)\*?", lambda token: names.get(token[1], token[0]), destination)


def _group_end(source: str, start: int) -> int:
    """Position after the parenthesis that closes the one at `start`."""
    depth = 0
    for position in range(start, len(source)):
        depth += {"(": 1, ")": -1}.get(source[position], 0)
        if depth == 0:
            return position + 1
    raise ValueError(f"unbalanced parentheses in {source!r}")


def _rows(config: Json, name: str) -> list[Json]:
    rows = config.get(name, []) if isinstance(config, dict) else None
    if not isinstance(rows, list):
        raise TypeError(f"vercel.json: {name} is not a list")
    return rows


def _text(row: Json, name: str) -> str:
    value = row.get(name) if isinstance(row, dict) else None
    if not isinstance(value, str):
        raise TypeError(f"vercel.json: {name} is not a string")
    return value


def _pairs(row: Json) -> tuple[tuple[str, str], ...]:
    return tuple((_text(pair, "key"), _text(pair, "value")) for pair in _rows(row, "headers"))
