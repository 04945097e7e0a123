"""How demanding a prompt is, by the customer's score: length, telling words, questions; every point is explained.

0–3 low, 4–7 medium, 8 and more high.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lib.ai.plan import Complexity
from lib.ai.router.rows import listed, words
from lib.ai.router.sample import Sample

LOW: Final = "low"
MEDIUM: Final = "medium"
HIGH: Final = "high"
MEDIUM_FROM: Final = 4
HIGH_FROM: Final = 8
CHARACTERS_PER_POINT: Final = 600
LENGTH_POINTS: Final = 4
KEYWORD_POINTS: Final = 4
QUESTION_POINTS: Final = 2
SHOWN_WORDS: Final = 4


@dataclass(frozen=True, slots=True)
class KeywordRow:
    """Words that each raise the score; `marks` are looked for inside the text, for scripts without spaces."""

    points: int
    words: frozenset[str]
    marks: tuple[str, ...] = ()


KEYWORDS: Final[tuple[KeywordRow, ...]] = (
    KeywordRow(
        2,
        words(
            "architecture comprehensive derive formally optimise optimize proof prove rigorous scalable theorem "
            "thorough trade tradeoff tradeoffs"
        ),
        listed("证明 | 架构 | 全面 | 优化 | доказ | beweis | optimier"),
    ),
    KeywordRow(
        1,
        words(
            "algorithm analyse analysis analyze assess compare contrast critically design detail detailed "
            "evaluate explain implement integrate justify multi refactor step steps strategy system why analiza "
            "analyser analysiere begründe compara comparer diseña erkläre explica explique pourquoi vergleiche "
            "warum"
        ),
        listed("分析 | 比较 | 解释 | 设计 | 为什么 | 详细 | почему | объясни | сравни | なぜ | 분석"),
    ),
)


def complexity_of(sample: Sample) -> Complexity:
    """Score `sample`; images and tools do not count, they are demands of their own."""
    signals = [signal for signal in (_length(sample), _keywords(sample), _questions(sample)) if signal[0]]
    score = sum(points for points, _ in signals)
    return Complexity(score, level_of(score), tuple(f"{words} (+{points})" for points, words in signals))


def level_of(score: int) -> str:
    """The customer's bands."""
    if score >= HIGH_FROM:
        return HIGH
    return MEDIUM if score >= MEDIUM_FROM else LOW


def _length(sample: Sample) -> tuple[int, str]:
    points = min(LENGTH_POINTS, sample.full_length // CHARACTERS_PER_POINT)
    return points, f"{sample.full_length} characters"


def _keywords(sample: Sample) -> tuple[int, str]:
    present = set(sample.words)
    found: dict[str, int] = {}
    for row in KEYWORDS:
        hits = [*sorted(present & row.words), *(mark for mark in row.marks if mark in sample.lowered)]
        found |= dict.fromkeys(hits, row.points)
    return min(KEYWORD_POINTS, sum(found.values())), ", ".join(list(found)[:SHOWN_WORDS])


def _questions(sample: Sample) -> tuple[int, str]:
    count = sample.text.count("?") + sample.text.count("？")
    return min(QUESTION_POINTS, count // 2), f"{count} questions"
