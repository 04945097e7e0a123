"""How long answers are kept."""

from __future__ import annotations

import random
import re
import zlib
from dataclasses import replace

import pytest

from lib.contract import ChatRequest, Json, JsonObject
from lib.kv.cache import ClassSeconds, Lifetimes, TtlClass, jittered, ttl_for
from lib.kv.cache.ttl import READ_CHARACTERS
from lib.kv.cache.ttl_model import FILE, WORDS, features, read_model, shipped
from lib.kv.cache.ttl_rules import ANSWER_RULES, PROMPT_RULES
from tests.support.clock import START

FAST, GENERAL, FACT = TtlClass.TIME_SENSITIVE, TtlClass.GENERAL, TtlClass.FACTUAL


def ask(*texts: str) -> ChatRequest:
    return ChatRequest(model="m", messages=tuple({"role": "user", "content": text} for text in texts))


PROMPTS = (
    ("What's the latest news?", FAST, 300),
    ("Who is the CEO of Intel?", FAST, 300),
    ("Who won the most recent Nobel prize?", FAST, 300),
    ("When is the next full moon?", FAST, 300),
    ("How many exoplanets have been discovered?", FAST, 300),
    ("When was Madonna's last concert?", FAST, 300),
    ("How much is 94 USD in EUR at today’s rate?", FAST, 300),
    ("Which phones were released in 2026?", FAST, 300),
    ("What changed in 2025?", FAST, 300),
    ("What does a grow tent cost?", FAST, 300),
    ("今天的新闻", FAST, 300),
    ("这个多少钱", FAST, 300),
    ("¿Quién es el presidente ahora?", FAST, 300),
    ("Was sind die aktuellen Nachrichten?", FAST, 300),
    ("Quel est le dernier film de Besson ?", FAST, 300),
    ("What is the weather in Paris today?", FAST, 3_600),
    ("Wie wird das Wetter?", FAST, 3_600),
    ("How do I inoculate grain with mycelium?", FACT, 604_800),
    ("When should I plant tomatoes?", FACT, 604_800),
    ("What is the capital of Costa Rica?", FACT, 86_400),
    ("Who painted The Starry Night?", FACT, 86_400),
    ("Who wrote Faust?", FACT, 86_400),
    ("Explain photosynthesis", FACT, 86_400),
    ("Who was the first woman in space?", FACT, 86_400),
    ("Which city hosted the Olympics in 1940?", FACT, 86_400),
    ("Who has won the most Grammys?", GENERAL, 1_800),
    ("When did the Lakers win the championship?", GENERAL, 1_800),
    ("Write a poem about rain", GENERAL, 1_800),
    ("", GENERAL, 1_800),
)


@pytest.mark.parametrize(("prompt", "kind", "seconds"), PROMPTS)
def test_a_prompt_has_a_class_and_a_lifetime(prompt: str, kind: TtlClass, seconds: int) -> None:
    ttl = ttl_for(prompt, "", now=START)
    assert (ttl.kind, ttl.seconds) == (kind, seconds)


@pytest.mark.parametrize(
    ("answer", "reason", "seconds"),
    [
        ("It costs $12.50.", "answer_price", 300),
        ("Etwa 30 € im Monat.", "answer_price", 300),
        ("As of my last update, yes.", "answer_as_of", 300),
        ("截至目前有三个。", "answer_as_of", 300),
        ("It opened in March 2026.", "answer_near_year", 300),
        ("It opened in 2025.", "answer_last_year", 1_800),
        ("It opened in 1889.", "lasting_fact", 86_400),
        ("About 2,026 people or 2026% more.", "lasting_fact", 86_400),
    ],
)
def test_an_answer_can_shorten_its_lifetime(answer: str, reason: str, seconds: int) -> None:
    ttl = ttl_for("Who built the Eiffel Tower?", answer, now=START)
    assert (ttl.reason, ttl.seconds) == (reason, seconds)


def test_an_answer_never_lengthens_its_lifetime() -> None:
    assert ttl_for("What is the latest news?", "It opened in 2025.", now=START).seconds == 300


def test_years_are_near_or_far_by_the_given_time() -> None:
    assert ttl_for("Who won in 2021?", "", now=1_620_000_000.0).kind is FAST
    assert ttl_for("Who won in 2021?", "", now=START).kind is FACT


@pytest.mark.parametrize(
    "changed",
    [
        replace(ask("Explain DNA"), tools=({"type": "function"},)),
        replace(ask("Explain DNA"), extra={"web_search_options": {}}),
        replace(ask("Explain DNA"), messages=({"role": "tool", "content": "DNA is …"}, *ask("Explain DNA").messages)),
    ],
)
def test_tools_and_retrieved_context_allow_five_minutes_at_most(changed: ChatRequest) -> None:
    ttl = ttl_for("Explain DNA", "A molecule.", changed, now=START)
    assert (ttl.kind, ttl.seconds, ttl.reason) == (FAST, 300, "fresh_data")


def test_fresh_data_allows_five_minutes_at_most_whatever_the_classes_are() -> None:
    slow = ClassSeconds(time_sensitive=900)
    request = replace(ask("Explain DNA"), tools=({"type": "function"},))
    assert ttl_for("Explain DNA", "", request, now=START, lifetimes=Lifetimes(slow)).seconds == 300


def test_a_shorter_lifetime_wins_over_fresh_data() -> None:
    fast = ClassSeconds(time_sensitive=60)
    request = replace(ask("What is the weather?"), tools=({"type": "function"},))
    assert ttl_for("What is the weather?", "", request, now=START, lifetimes=Lifetimes(fast)).seconds == 60


def test_an_earlier_turn_can_shorten_the_lifetime_but_not_lengthen_it() -> None:
    changing = ask("What is the weather in Paris?", "Explain why")
    assert ttl_for("Explain why", "", changing, now=START).seconds == 3_600
    assert ttl_for("Write a poem", "", ask("Explain DNA", "Write a poem"), now=START).kind is GENERAL


def test_a_chat_of_one_plain_question_is_as_lasting_as_its_question() -> None:
    assert ttl_for("Explain DNA", "", ask("Explain DNA"), now=START) == ttl_for("Explain DNA", "", now=START)


def test_classes_have_the_lifetimes_the_operator_set() -> None:
    classes = ClassSeconds(time_sensitive=1, general=2, factual=3)
    prompts = ("latest news", "a poem", "who wrote Faust")
    assert [ttl_for(prompt, "", now=START, lifetimes=Lifetimes(classes)).seconds for prompt in prompts] == [1, 2, 3]


def test_what_comes_after_the_first_pages_is_not_read() -> None:
    assert ttl_for("x " * READ_CHARACTERS + "latest news", "", now=START).kind is GENERAL


def test_jitter_spreads_lifetimes_by_a_tenth_both_ways() -> None:
    chance = random.Random(7)
    drawn = [jittered(1_000, chance) for _ in range(500)]
    assert 900 <= min(drawn) < 915
    assert 1_085 < max(drawn) <= 1_100
    assert jittered(0, chance) == 1


def test_every_rule_has_its_own_name_and_no_unbounded_gap() -> None:
    rules = (*PROMPT_RULES, *ANSWER_RULES)
    assert len({rule.name for rule in rules}) == len(rules)
    assert not [rule.name for rule in rules if re.search(r"\.[*+]|[\])][*+]", rule.pattern.pattern)]


def test_text_parts_of_the_history_count_too() -> None:
    parts: list[Json] = [{"type": "text", "text": "What is the weather?"}]
    earlier: JsonObject = {"role": "user", "content": parts}
    request = ChatRequest(model="m", messages=(earlier, *ask("Explain why").messages))
    assert ttl_for("Explain why", "", request, now=START).seconds == 3_600


LEARNED = (
    ("Which countries border Bolivia?", FACT),
    ("Does Serena Williams have any children?", FAST),
    ("Who is goalkeeper of Arsenal?", FAST),
)


@pytest.mark.parametrize(("prompt", "kind"), LEARNED)
def test_the_model_tells_what_the_rules_have_no_word_for(prompt: str, kind: TtlClass) -> None:
    assert ttl_for(prompt, "", now=START).kind is kind


def test_only_questions_are_put_to_the_model() -> None:
    assert ttl_for("Write a story about the old bridge", "", now=START).reason == "no_rule"


def test_the_model_is_small_and_reads_the_first_words_only() -> None:
    assert len(FILE.read_bytes()) <= 16_384
    assert features("what is love " * 10_000) == features("what is love " * WORDS)
    chances = shipped().chances("")
    assert abs(chances.fast + chances.slow + chances.lasting - 1) < 1e-9


@pytest.mark.parametrize("data", [b"", b"{}", b"{}\n", FILE.read_bytes()[:-40], b"[3]" + FILE.read_bytes()])
def test_a_file_that_is_no_model_is_refused(data: bytes) -> None:
    with pytest.raises((ValueError, zlib.error)):
        read_model(data)
