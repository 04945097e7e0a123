"""What the near tier's hard guards tell apart, by family: each with a rewrite that passes and a trap that does not."""

from __future__ import annotations

import pytest

from lib.kv.cache.near import read, score

FAMILIES = (
    # family, question, the same put differently, a trap
    ("numbers", "Explain tides in 5 words", "explain tides in five words", "Explain tides in 10 words"),
    ("ordinals", "Who was the 2nd king of Peru?", "who was the second king of Peru", "Who was the 3rd king of Peru?"),
    ("large numbers", "Is 1,000 a round number?", "is 1000 a round number", "Is 1,001 a round number?"),
    ("units", "How far is 5 km?", "how far is 5 kilometres?", "How far is 5 miles?"),
    ("currencies", "How much is 93 USD?", "How much is 93 dollars?", "How much is 93 EUR?"),
    ("direction", "Convert 163 miles to km", "convert 163 miles to kilometers", "Convert 163 km to miles"),
    ("negation", "Is it okay to eat raw eggs?", "is it ok to eat raw eggs", "Is it not okay to eat raw eggs?"),
    ("contracted negation", "Why can't I sleep?", "Why can not I sleep?", "Why can I sleep?"),
    ("without", "Pizza recipe with cheese", "pizza recipe with cheese?", "Pizza recipe without cheese"),
    ("quoted text", 'Translate "good day"', 'translate  "good day"', 'Translate "good night"'),
    ("code", "What does `x = 1` do?", "what does `x = 1` do", "What does `x = 2` do?"),
    ("URLs", "Summarize https://a.example/x", "summarize https://a.example/x", "Summarize https://a.example/y"),
    ("identifiers", "Where is my order #10423?", "where's my order #10423", "Where is my order #10424?"),
    ("variables", "Solve x for me", "solve x for me!", "Solve y for me"),
    ("signs", "What is y - 5?", "what is y - 5", "What is y + 5?"),
    ("languages", "Say hello in French", "say hello in french", "Say hello in Italian"),
    ("programming languages", "Sort a list in Rust", "sort a list in rust", "Sort a list in Python"),
    ("forms", "Explain tides as JSON", "explain tides as json", "Explain tides as a table"),
    ("script", "What is tea?", "what is tea", "Что такое tea?"),
    ("gender", "Is he a nurse?", "is he a nurse", "Is she a nurse?"),
    ("time", "What to eat before running?", "what to eat before running", "What to eat after running?"),
    ("used to", "Is Ann a nurse?", "is Ann a nurse", "Did Ann use to be a nurse?"),
    ("degree", "How can I become more patient?", "how can I become more patient", "How can I become less patient?"),
    ("or", "Is it tea and milk?", "is it tea and milk", "Is it tea or milk?"),
    ("pictures", "What does 🙂 mean?", "what does 🙂 mean", "What does 🙏 mean?"),
    ("names in capitals", "What is IT support?", "what is IT support", "What is it support?"),
    ("Chinese negation", "我可以吃生鸡蛋吗", "我可以吃生鸡蛋吗?", "我不可以吃生鸡蛋吗"),
    ("Russian negation", "можно есть сырые яйца", "Можно есть сырые яйца?", "нельзя есть сырые яйца"),
    ("Arabic negation", "هل البيض مفيد", "هل البيض مفيد؟", "هل البيض ليس مفيد"),
    ("Hindi negation", "क्या अंडा खाना ठीक है", "क्या अंडा खाना ठीक है?", "क्या अंडा खाना ठीक नहीं है"),
    ("Spanish negation", "puedo comer huevos", "¿Puedo comer huevos?", "no puedo comer huevos"),
)  # fmt: skip


@pytest.mark.parametrize(("question", "rewrite"), [row[1:3] for row in FAMILIES], ids=[row[0] for row in FAMILIES])
def test_a_rewrite_has_the_same_signature(question: str, rewrite: str) -> None:
    assert read(question).signature == read(rewrite).signature


@pytest.mark.parametrize(("question", "trap"), [row[1::2] for row in FAMILIES], ids=[row[0] for row in FAMILIES])
def test_a_trap_has_another_signature_and_scores_nothing(question: str, trap: str) -> None:
    assert read(question).signature != read(trap).signature
    assert score(read(question), read(trap)) == 0.0


@pytest.mark.parametrize(
    ("question", "turned"),
    [
        ("How do I get from Delhi to Rome?", "How do I get from Rome to Delhi?"),
        ("Why did Brazil beat India in the final?", "Why did India beat Brazil in the final?"),
        ("Are cats bigger than dogs?", "Are dogs bigger than cats?"),
        ("How can I install Windows on a Mac?", "How can I install a Mac on Windows?"),
        ("Is a fast car better than a cheap bus?", "Is a cheap car better than a fast bus?"),
        (
            "How do I transfer photos from my phone to my laptop?",
            "How do I transfer photos from my laptop to my phone?",
        ),
    ],
)
def test_words_that_have_changed_places_score_nothing(question: str, turned: str) -> None:
    assert score(read(question), read(turned)) == 0.0


def test_what_and_joins_may_change_places() -> None:
    assert score(read("Compare France and Canada"), read("Compare Canada and France")) > 0.5
