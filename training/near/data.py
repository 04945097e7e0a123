"""Pairs and streams of questions from files of one JSON object a line, gzipped or not.

A pair is `{"id", "a", "b", "same", "source", "kind"}`, a stream's row `{"i", "q", "cls", "src"}`: rows of one class
have the same answer. Of prompts for other tasks (`{"prompt", "lic", "lang"}`) only the text is used.
"""

from __future__ import annotations

import gzip
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import orjson

from lib.contract import Json, JsonObject
from lib.kv.cache.near import MOST_CHARS, Posting, Question, candidates, entry_id, read
from training.near.authored import Pair

FREE: Final = frozenset(["guard", "checklist", "gptcache_mock", "banking77", "authored"])
"""Sources whose licence lets them shape weights that ship: our own, MIT (CheckList, GPTCache), CC BY 4.0 (BANKING77:
Casanueva et al., 2020). All others are for evaluation only."""
FORBIDDEN: Final = ("CC-BY-NC", "no licence", "same", "test lines")
"""Words in the licence of a prompt that must not."""
LONGEST: Final = 300


def rows(path: Path) -> Iterator[JsonObject]:
    """The objects of a file. Raises TypeError for a line that is none."""
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    for line in data.splitlines():
        row: Json = orjson.loads(line)
        if not isinstance(row, dict):
            raise TypeError("a line is not an object")
        yield row


def pairs(found: Iterable[JsonObject]) -> list[Pair]:
    """The rows that are pairs of free sources."""
    return [
        Pair(str(row["a"]), str(row["b"]), row["same"] is True, str(row["source"]), str(row.get("kind")))
        for row in found
        if "a" in row and row["source"] in FREE
    ]


def prompts(found: Iterable[JsonObject]) -> dict[str, list[str]]:
    """By source, the texts of rows that are prompts, of free licences, in English and short."""
    texts: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for row in found:
        text = str(row.get("prompt", "\n"))
        if "\n" not in text and len(text) <= LONGEST and _free(row):
            texts[f"prompts: {row.get('src')}"][text] = None
    return {source: list(held) for source, held in texts.items()}


def _free(row: JsonObject) -> bool:
    licence = str(row.get("lic"))
    return row.get("lang") == "en" and not any(word in licence for word in FORBIDDEN)


def stream_pairs(found: Sequence[JsonObject]) -> list[Pair]:
    """Each question of a stream with what the near tier would find for it among the earlier ones."""
    postings: dict[str, str] = {}
    known: dict[str, tuple[Question, str]] = {}
    result: list[Pair] = []
    for number, row in enumerate(found):
        if "q" not in row or row.get("src") not in FREE:
            continue
        question, answer, entry = read(str(row["q"])), str(row["cls"]), entry_id(f"{number:015x}0")
        for candidate in candidates([postings.get(field) for field in question.fields], question):
            other, other_answer = known[candidate.entry]
            if other.tokens != question.tokens:
                result.append(Pair(question.text, other.text, answer == other_answer, str(row["src"]), answer))
        known[entry] = (question, answer)
        posting = Posting.of(question, entry)
        for field in posting.fields:
            postings[field] = (posting.record + postings.get(field, ""))[:MOST_CHARS]
    return result
