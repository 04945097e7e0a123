"""How long an answer may be served from the cache: the shorter of what its prompt and what it itself allow."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from lib.contract import ChatRequest
from lib.kv.cache.politeness import without_lead
from lib.kv.cache.ttl_model import TtlModel, shipped
from lib.kv.cache.ttl_rules import ANSWER_RULES, PROMPT_RULES, TtlClass, TtlRule
from lib.messages import text_of

READ_CHARACTERS: Final = 4_000
"""Of a prompt, an answer and a history: what comes later rarely changes the class and must not cost time."""
JITTER: Final = 0.1
"""Share by which lifetimes differ, so that entries written together do not expire together."""
UNKNOWN_NOW: Final = 1_767_225_600.0
"""2026-01-01, for callers that cannot tell the time: years from 2025 on then count as near."""
FRESH_SECONDS: Final = 300
"""The most that an answer from tools or retrieved context may live."""
FRESH_DATA_FIELDS: Final = frozenset({"web_search_options", "plugins", "search_parameters", "enable_search"})
"""Passed-through fields by which providers look things up."""
CHANGING: Final = 0.5
"""Chance of a fast change from which a question counts as time-sensitive."""
DOUBTFUL: Final = 0.2
"""Chance of one from which no rule makes a question factual."""
LASTING: Final = 0.85
"""Chance of none from which a question without a rule is factual."""
_QUESTION: Final = re.compile(
    r"(?:who|whose|what|when|where|which|why|how|is|are|was|were|do|does|did|has|have|had|can|in what|in which)"
    r"(?:'s|'re)? "
)
"""The model knows questions of fact; a poem or a program has no truth that changes."""
_YEAR: Final = re.compile(r"(?<![\d.,])(?:1[5-9]|20)\d\d(?![\d%])")


@dataclass(frozen=True, slots=True)
class ClassSeconds:
    """Lifetimes of the three classes."""

    time_sensitive: int = 300
    general: int = 1_800
    factual: int = 86_400

    def of(self, kind: TtlClass) -> int:
        """The lifetime of one class."""
        if kind is TtlClass.TIME_SENSITIVE:
            return self.time_sensitive
        return self.factual if kind is TtlClass.FACTUAL else self.general


@dataclass(frozen=True, slots=True)
class Ttl:
    """A lifetime, its class, and the name of the rule that decided."""

    seconds: int
    kind: TtlClass
    reason: str


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """What a deployment goes by: the classes' lifetimes, the operator's rules before the shipped ones, the model."""

    classes: ClassSeconds = ClassSeconds()
    rules: tuple[TtlRule, ...] = ()
    model: Callable[[], TtlModel] = shipped


def ttl_for(
    prompt: str,
    answer_text: str,
    request: ChatRequest | None = None,
    *,
    now: float = UNKNOWN_NOW,
    lifetimes: Lifetimes = Lifetimes(),
) -> Ttl:
    """The lifetime of an answer.

    Args:
        prompt: what the user asked last.
        answer_text: what the model said.
        request: the whole chat, for its history, tools and retrieved context.
        now: seconds since the epoch; years near it make a text time-sensitive.
        lifetimes: what the deployment goes by; a rule's own lifetime goes before its class's.
    """
    year = datetime.fromtimestamp(now, UTC).year
    found = [
        prompt_ttl(prompt, year=year, lifetimes=lifetimes),
        *_answer_ttls(answer_text, year, lifetimes.classes),
        *_context_ttls(request, year, lifetimes),
    ]
    return min(found, key=lambda ttl: ttl.seconds)


def prompt_ttl(prompt: str, *, year: int, lifetimes: Lifetimes) -> Ttl:
    """What the prompt alone allows in `year`: rules for change, years it names, the model and the rest."""
    text, classes = _readable(prompt), lifetimes.classes
    rule = _first(lifetimes.rules, text)
    if rule is not None:
        return _ttl(rule, classes)
    rule = _first(PROMPT_RULES, text)
    if rule is not None and rule.kind is TtlClass.TIME_SENSITIVE:
        return _ttl(rule, classes)
    latest = _latest_year(text)
    if latest >= year - 1:
        return Ttl(classes.time_sensitive, TtlClass.TIME_SENSITIVE, "near_year")
    if rule is not None and rule.seconds is not None:
        return _ttl(rule, classes)
    if latest:
        return Ttl(classes.factual, TtlClass.FACTUAL, "past_year")
    return _learned(text, rule, lifetimes) or (
        Ttl(classes.general, TtlClass.GENERAL, "no_rule") if rule is None else _ttl(rule, classes)
    )


def _learned(text: str, rule: TtlRule | None, lifetimes: Lifetimes) -> Ttl | None:
    """What the model knows better than `rule`: that the answer changes, that it might, that it does not."""
    question = without_lead(text)
    if not _QUESTION.match(question):
        return None
    chances, classes = lifetimes.model().chances(question), lifetimes.classes
    if chances.fast >= CHANGING:
        return Ttl(classes.time_sensitive, TtlClass.TIME_SENSITIVE, "learned_changing")
    if rule is not None and rule.kind is TtlClass.FACTUAL:
        return Ttl(classes.general, TtlClass.GENERAL, "learned_doubt") if chances.fast >= DOUBTFUL else None
    lasting = rule is None and chances.lasting >= LASTING
    return Ttl(classes.factual, TtlClass.FACTUAL, "learned_lasting") if lasting else None


def jittered(seconds: int, chance: random.Random) -> int:
    """The lifetime give or take a tenth, at least a second."""
    return max(1, round(seconds * chance.uniform(1 - JITTER, 1 + JITTER)))


def _answer_ttls(answer: str, year: int, classes: ClassSeconds) -> list[Ttl]:
    text = _readable(answer)
    rule = _first(ANSWER_RULES, text)
    found = [] if rule is None else [_ttl(rule, classes)]
    latest = _latest_year(text)
    if latest >= year:
        found.append(Ttl(classes.time_sensitive, TtlClass.TIME_SENSITIVE, "answer_near_year"))
    elif latest == year - 1:
        found.append(Ttl(classes.general, TtlClass.GENERAL, "answer_last_year"))
    return found


def _context_ttls(request: ChatRequest | None, year: int, lifetimes: Lifetimes) -> list[Ttl]:
    if request is None:
        return []
    if _draws_on_fresh_data(request):
        return [Ttl(min(FRESH_SECONDS, lifetimes.classes.time_sensitive), TtlClass.TIME_SENSITIVE, "fresh_data")]
    earlier = [text_of(m) for m in request.messages if m.get("role") == "user"][:-1]
    if not earlier:
        return []
    history = prompt_ttl("\n".join(reversed(earlier)), year=year, lifetimes=lifetimes)
    return [history] if history.kind is TtlClass.TIME_SENSITIVE else []


def _draws_on_fresh_data(request: ChatRequest) -> bool:
    return (
        bool(request.tools)
        or not FRESH_DATA_FIELDS.isdisjoint(request.extra)
        or any(m.get("role") in ("tool", "function") for m in request.messages)
    )


def _readable(text: str) -> str:
    return " ".join(text[:READ_CHARACTERS].replace("’", "'").lower().split())


def _first(rules: Sequence[TtlRule], text: str) -> TtlRule | None:
    for rule in rules:
        if rule.pattern.search(text):
            return rule
    return None


def _ttl(rule: TtlRule, classes: ClassSeconds) -> Ttl:
    return Ttl(classes.of(rule.kind) if rule.seconds is None else rule.seconds, rule.kind, rule.name)


def _latest_year(text: str) -> int:
    return max((int(year) for year in _YEAR.findall(text)), default=0)
