"""The quality table: what is expected of models, how it is read, and how much it decides."""

from __future__ import annotations

from base64 import b85encode
from dataclasses import replace

import orjson
import pytest

from lib.ai.lessons import BUCKETS
from lib.ai.plan import Plan, Task
from lib.ai.router import Router, route
from lib.ai.router.judgement import Judgement
from lib.ai.router.quality import TIERS, WORD_FEATURES, QualityTable, read_quality, shipped
from lib.ai.router.sample import Sample
from lib.ai.router.text_features import features
from lib.contract import ChatRequest, Json, JsonObject
from lib.errors import SettingsError
from lib.rules import judgement
from lib.settings import Settings
from tests.support.routing import CATALOG, EVERYONE, PRICES, ask, facts, plan

FLAT: Json = [0.5, 0.6, 0.7, 0.8, 0.9]
POEM = "write a poem about rain"
MINI, LUNA = CATALOG.model("openai/gpt-4o-mini"), CATALOG.model("openai/gpt-6-luna")
HARD_WORD = "zyzzyva"


def file(**changes: Json) -> bytes:
    whole: JsonObject = {"version": "t", "lambda": 0.1, "tasks": {task.value: FLAT for task in Task}}
    return orjson.dumps({**whole, **changes})


def word_model(prompt: str, weight: int = 100) -> JsonObject:
    """One that has learned that the words of `prompt` gain by tier 4 over tier 2."""
    weights = bytearray([128]) * WORD_FEATURES
    for feature in features(Sample.of(prompt)):
        weights[feature & (WORD_FEATURES - 1)] = 128 + weight
    packed = b85encode(bytes(weights)).decode()
    return {"weak": 2, "strong": 4, "scale": 0.001, "by_length": 0.0, "bias": 0.0, "weights": packed}


def measured(request: ChatRequest, table: QualityTable) -> Plan:
    return route(request, facts(EVERYONE), CATALOG, PRICES, Judgement("measured", table))


def test_the_shipped_table_has_a_quality_for_each_class_length_and_tier_that_never_falls_with_the_tier() -> None:
    table = shipped()
    for task in Task:
        for bucket in BUCKETS:
            row = table.tiers[task][bucket]
            assert len(row) == TIERS
            assert list(row) == sorted(row)
            assert 0 < row[0] < row[-1] < 1
    assert 0 < table.trade < 1


def test_what_is_known_of_a_model_counts_instead_of_its_tier() -> None:
    table = read_quality(file(models={LUNA.id: {"simple_chat": {"s": 0.95, "m": 0.9, "l": 0.85}}}))
    assert table.of(Task.SIMPLE_CHAT, "m", LUNA) == 0.9
    assert table.of(Task.TRANSLATION, "m", LUNA) == 0.6
    assert table.of(Task.SIMPLE_CHAT, "m", MINI) == 0.5


def test_classes_that_a_file_leaves_out_are_as_shipped() -> None:
    table = read_quality(orjson.dumps({"lambda": 0.1, "tasks": {"translation": FLAT}}))
    assert table.of_tier(Task.TRANSLATION, "s", 5) == 0.9
    assert table.tiers[Task.VISION] == shipped().tiers[Task.VISION]


def test_words_add_the_part_of_the_gap_that_a_tier_has() -> None:
    table = read_quality(file(words=word_model(HARD_WORD)))
    demand = table.demand(Sample.of(HARD_WORD))
    assert demand > 0.3
    assert abs(table.demand(Sample.of("something else entirely"))) < demand / 2
    assert [table.gain(demand, tier) / demand for tier in range(1, 6)] == [0.0, 0.0, 0.5, 1.0, 1.0]
    assert shipped().demand(Sample.of(HARD_WORD)) == 0.0


def test_length_adds_as_much_for_each_doubling() -> None:
    words = {**word_model(HARD_WORD, 0), "by_length": 0.1}
    table = read_quality(file(words=words))
    assert table.demand(Sample.of("x" * 1_023)) == pytest.approx(1.0)
    assert table.demand(Sample.of("x" * 511)) == pytest.approx(0.9)


@pytest.mark.parametrize(
    "data",
    [
        b"no JSON",
        b"[]",
        file(**{"lambda": "much"}),
        file(tasks={"juggling": FLAT}),
        file(tasks={"vision": [0.5]}),
        file(tasks={"vision": [0.5, 0.6, 0.7, 0.8, 1.1]}),
        file(tasks={"vision": {"s": FLAT}}),
        file(words={**word_model("x"), "weights": ""}),
        file(words={**word_model("x"), "weak": 4}),
        file(words=[]),
        file(models={"openai/gpt-4o": 1}),
    ],
)
def test_a_file_that_is_no_quality_table_is_refused_by_the_name_of_its_setting(data: bytes) -> None:
    settings = Settings.from_env({"ROUTING_QUALITY": "{}"})
    given = replace(settings, routing=type(settings.routing)(quality="{" + data.decode()[1:]))
    with pytest.raises(SettingsError, match="ROUTING_QUALITY"):
        judgement(given)


def test_measured_gives_up_quality_only_where_that_saves_enough() -> None:
    thrifty = measured(ask(POEM), read_quality(file(**{"lambda": 5.0})))
    spendthrift = measured(ask(POEM), read_quality(file(**{"lambda": 0.0})))
    assert thrifty.model.quality < spendthrift.model.quality == 5
    assert thrifty.cost.total < spendthrift.cost.total


def test_measured_asks_a_strong_model_for_prompts_whose_words_gain_by_it() -> None:
    level: Json = [0.6, 0.6, 0.6, 0.6, 0.6]
    flat: JsonObject = {task.value: level for task in Task}
    words = word_model(HARD_WORD)
    known = read_quality(file(words=words))
    usual = -known.demand(Sample.of("hello there"))
    table = read_quality(file(tasks=flat, words={**words, "bias": usual}))
    assert measured(ask("hello there"), table).model.quality < measured(ask(HARD_WORD), table).model.quality


def test_by_the_document_the_table_decides_nothing_that_the_rows_fix() -> None:
    upside_down = read_quality(file(tasks={task.value: [0.9, 0.8, 0.7, 0.6, 0.5] for task in Task}))
    for prompt in ("hello there", POEM, "Solve this equation for x: 3x + 4 = 19"):
        theirs = route(ask(prompt), facts(EVERYONE), CATALOG, PRICES, Judgement(table=upside_down))
        assert theirs.model == plan(ask(prompt), facts(EVERYONE)).model


def test_the_recommendation_names_the_policy_and_the_table() -> None:
    router = Router(CATALOG, PRICES, Judgement("measured", read_quality(file())))
    assert router.route(ask("hello"), facts()).policy.startswith("measured-")
    assert router.route(ask("hello"), facts()).policy.endswith("/t")


def test_settings_choose_the_policy_and_the_table() -> None:
    assert judgement(Settings.from_env({})) == Judgement()
    chosen = judgement(Settings.from_env({"ROUTING_POLICY": "measured", "ROUTING_QUALITY": file().decode()}))
    assert (chosen.name, chosen.table.version) == ("measured", "t")
