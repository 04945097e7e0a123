"""Lifetime rules that an operator gives."""

from __future__ import annotations

import json

import pytest

from lib.errors import SettingsError
from lib.kv.cache import Lifetimes, TtlClass, ttl_for
from lib.kv.cache.ttl_given import MOST_RULES, rules_from_json
from lib.rules import booking_rules
from lib.settings import Settings
from tests.support.clock import START

MENU = {"name": "menu", "class": "time_sensitive", "words": ["lunch  Menu", "菜单"], "seconds": 600}
HISTORY = {"name": "our_history", "class": "factual", "words": ["our price in 1990"]}


def given(*rows: object) -> Lifetimes:
    return Lifetimes(rules=rules_from_json(json.dumps(rows)))


@pytest.mark.parametrize("prompt", ["Explain the lunch menu", "What's on the LUNCH MENU?", "今天的菜单是什么"])
def test_a_rule_of_the_operators_goes_before_the_shipped_ones(prompt: str) -> None:
    ttl = ttl_for(prompt, "", now=START, lifetimes=given(MENU))
    assert (ttl.kind, ttl.seconds, ttl.reason) == (TtlClass.TIME_SENSITIVE, 600, "menu")


def test_it_can_also_lengthen_a_lifetime_and_has_its_classes_without_seconds() -> None:
    assert ttl_for("Tell me our price in 1990", "", now=START).kind is TtlClass.TIME_SENSITIVE
    assert ttl_for("Tell me our price in 1990", "", now=START, lifetimes=given(HISTORY)).seconds == 86_400


def test_the_first_rule_that_matches_decides() -> None:
    later = {"name": "later", "class": "general", "words": ["menu"]}
    assert ttl_for("lunch menu", "", now=START, lifetimes=given(MENU, later)).reason == "menu"
    assert ttl_for("lunch menu", "", now=START, lifetimes=given(later, MENU)).reason == "later"


def test_words_are_literal_and_whole() -> None:
    rule = {"name": "c", "class": "general", "words": ["c++", "a.b", "art"]}
    reasons = [ttl_for(text, "", now=START, lifetimes=given(rule)).reason for text in ("c++", "axb", "start", "art")]
    assert [reason == "c" for reason in reasons] == [True, False, False, True]


def test_an_answer_that_speaks_of_prices_shortens_it_all_the_same() -> None:
    assert ttl_for("our price in 1990", "It is $5 now.", now=START, lifetimes=given(HISTORY)).reason == "answer_price"


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        ("{", "CACHE_TTL_RULES is not JSON"),
        ("{}", "must be a list"),
        (json.dumps([MENU] * (MOST_RULES + 1)), "at most 100 rules"),
        ("[3]", r"CACHE_TTL_RULES\[0\] must be an object"),
        (json.dumps([MENU | {"ttl": 3}]), "has 'ttl'"),
        (json.dumps([MENU | {"name": "My Menu"}]), r"\[0\]\.name"),
        (json.dumps([MENU, MENU]), "two rules with the name menu"),
        (json.dumps([MENU | {"class": "slow"}]), r"\[0\]\.class must be one of time_sensitive, general, factual"),
        (json.dumps([MENU | {"class": ["general"]}]), r"\[0\]\.class"),
        (json.dumps([MENU | {"words": []}]), r"\[0\]\.words"),
        (json.dumps([MENU | {"words": "menu"}]), r"\[0\]\.words"),
        (json.dumps([MENU | {"words": ["menu", 3]}]), r"\[0\]\.words"),
        (json.dumps([MENU | {"words": [" "]}]), r"\[0\]\.words"),
        (json.dumps([MENU | {"seconds": 0}]), r"\[0\]\.seconds"),
        (json.dumps([MENU | {"seconds": True}]), r"\[0\]\.seconds"),
        (json.dumps([HISTORY, MENU | {"seconds": "5"}]), r"\[1\]\.seconds"),
    ],
)
def test_what_is_wrong_is_named(rows: str, complaint: str) -> None:
    with pytest.raises(SettingsError, match=complaint):
        rules_from_json(rows)


def test_the_setting_reaches_whoever_keeps_answers() -> None:
    rules = booking_rules(Settings.from_env({"CACHE_TTL_RULES": json.dumps([MENU])})).lifetimes.rules
    assert [rule.name for rule in rules] == ["menu"]
