"""The choice for `auto`: hard filter, the customer's own field, ranking, chain and alternatives."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from lib.ai.plan import RouteFacts, Task
from lib.ai.router import Router, route
from lib.ai.router.needs import needs_of
from lib.ai.router.offer import Offer, Quote
from lib.ai.router.policy import BY_TASK
from lib.ai.router.ranking import goal_of, rank
from lib.answer import Health
from lib.catalog import Catalog
from lib.contract import ChatRequest, RoutingWish
from lib.errors import InvalidRequest, NoModelAvailable
from tests.support.routing import (
    CATALOG,
    EVERYONE,
    PRICES,
    TOOL,
    VENDORS,
    ask,
    facts,
    ids,
    plan,
    reasons,
    show,
)
from tests.support.routing import NOW as FACTS_NOW

HARD = "Prove this rigorously, step by step; derive and justify each theorem. Why? How? What else? " + "x " * 700
GROWING = "how do I sterilize substrate for oyster mushrooms?"


@pytest.mark.parametrize(
    ("prompt", "task", "model"),
    [
        ("hello there", Task.SIMPLE_CHAT, "openai/gpt-6-luna"),
        ("Solve this equation for x: 3x + 4 = 19", Task.COMPLEX_REASONING, "openai/gpt-6.1-terra"),
        (HARD, Task.COMPLEX_REASONING, "openai/gpt-6.1-sol"),
        ("write a python script", Task.CODE_GENERATION, "deepseek/deepseek-v4-flash"),
        (
            "Design and implement a scalable architecture in Python; explain each function in detail",
            Task.CODE_GENERATION,
            "anthropic/claude-sonnet-5-5",
        ),
        ("write a poem about rain", Task.CREATIVE_WRITING, "anthropic/claude-sonnet-5-5"),
        ("compute the median of the age column in my dataset", Task.DATA_ANALYSIS, "google/gemini-3.8-flash"),
        ("summarize this article: it rained.", Task.SUMMARIZATION, "anthropic/claude-haiku-5-5"),
        ("what is the effect of insulin on hepatic metabolism", Task.SCIENTIFIC_RESEARCH, "openai/gpt-6.1-terra"),
    ],
)
def test_each_class_goes_where_the_policy_sends_it(prompt: str, task: Task, model: str) -> None:
    decided = plan(ask(prompt))
    assert (decided.task, decided.model.id) == (task, model)
    assert decided.automatic
    assert decided.substitution == ""


@pytest.mark.parametrize(
    ("request_", "task"),
    [(ask("translate to French: hello"), Task.TRANSLATION), (show(), Task.VISION)],
)
def test_translation_and_vision_go_to_the_gpt_4o_class_or_gemini(request_: ChatRequest, task: Task) -> None:
    decided = plan(request_)
    assert decided.task is task
    assert decided.model.id in ("openai/gpt-4o", "google/gemini-3.8-flash", "google/gemini-3.5-flash-lite")


def test_the_same_question_always_gets_the_same_plan() -> None:
    assert plan(ask(HARD)) == plan(ask(HARD))


def test_the_name_auto_is_read_in_any_case() -> None:
    assert plan(ask("hello", " AUTO ")).automatic


def test_after_gpt_4os_last_day_its_successor_takes_its_place_in_the_preferences() -> None:
    after = facts(now=datetime(2027, 2, 1, tzinfo=UTC).timestamp())
    decided = plan(ask("translate to French: hello"), after)
    assert decided.model.id == "openai/gpt-6-luna"
    assert reasons(decided)["openai/gpt-4o"] == "retired on 2027-01-14"


def test_the_chain_takes_one_model_of_each_provider_before_a_second_of_any() -> None:
    decided = plan(ask("hello"))
    assert len(decided.chain) == 4
    assert len({row.provider for row in decided.chain}) == 4
    assert len(ids(plan(ask("hello"), facts(frozenset({"openai", "google"}))))) == 4


def test_without_fallback_or_with_the_same_provider_the_chain_is_narrowed() -> None:
    assert len(plan(replace(ask("hello"), use_fallback=False)).chain) == 1
    at_home = plan(replace(ask("hello"), same_provider=True))
    assert {row.provider for row in at_home.chain} == {"openai"}
    assert len(at_home.chain) == 4


def test_the_callers_fallbacks_follow_the_chosen_model() -> None:
    wish = RoutingWish(models=("gpt-6-luna", "claude-haiku", "xai/grok-4.7", "crowelogic"))
    decided = plan(ask("hello", routing=wish))
    assert ids(decided) == ["openai/gpt-6-luna", "anthropic/claude-haiku-5-5"]
    assert [each.model for each in decided.dropped].count("xai/grok-4.7") == 1


def test_every_model_is_in_the_ranking_or_left_out_with_a_reason() -> None:
    decided = plan(ask("hello"), facts(frozenset({"openai"})))
    left = {row.id for row in CATALOG.models if row.provider not in ("openai", "demo")}
    assert reasons(decided) == dict.fromkeys(left, "no key configured")


def test_images_tools_json_and_wished_abilities_are_demands() -> None:
    seeing = show(routing=RoutingWish(has=("reasoning", "vision")))
    request = replace(seeing, tools=(TOOL,), response_format={"type": "json_schema"})
    decided = plan(request, facts(EVERYONE))
    assert all({"vision", "tools", "json", "reasoning"} <= row.capabilities for row in decided.chain)
    assert reasons(decided)["groq/gpt-oss-20b"] == "has no vision, and the messages hold images"
    assert reasons(decided)["openai/gpt-4o"] == "has no reasoning, and asked for in has"
    assert decided.constraints[:4] == (
        "vision: the messages hold images",
        "tools: the request brings tools",
        "json: the answer must be JSON",
        "reasoning: asked for in has",
    )


def test_plain_text_answers_make_no_demand_for_json() -> None:
    request = replace(ask("hello"), response_format={"type": "text"})
    assert not any(constraint.startswith("json") for constraint in plan(request).constraints)


def test_the_window_must_hold_the_input_and_the_longest_answer_allowed() -> None:
    request = replace(ask("hello"), max_tokens=127_999)
    decided = plan(request, facts(EVERYONE))
    assert "context window of 128000 tokens is below the" in reasons(decided)["openai/gpt-4o"]
    assert "answers end at 65536 tokens" in reasons(decided)["google/gemini-3.8-flash"]
    assert "answers of 127999 tokens" in decided.constraints


def test_a_window_that_just_holds_the_request_is_enough() -> None:
    needed = plan(replace(ask("hello"), max_tokens=100)).input_tokens + 100
    xai = CATALOG.model("xai/grok-4.7")
    for window, fits in ((needed, True), (needed - 1, False)):
        alone = Catalog.build((replace(xai, context_window=window, max_output=100),), CATALOG.providers, ())
        request = replace(ask("hello"), max_tokens=100)
        if fits:
            assert ids(plan(request, facts(frozenset({"xai"})), alone)) == ["xai/grok-4.7"]
        else:
            with pytest.raises(NoModelAvailable, match="context window") as caught:
                plan(request, facts(frozenset({"xai"})), alone)
            assert caught.value.param == "messages"


def test_the_expected_answer_is_the_classes_usual_one_but_never_longer_than_allowed() -> None:
    assert plan(ask("hello")).output_tokens == 250
    assert plan(replace(ask("hello"), max_tokens=20)).output_tokens == 20


def test_the_ceiling_holds_for_the_blended_price_and_an_unknown_price_is_never_below_it() -> None:
    decided = plan(ask("write a poem about rain", routing=RoutingWish(max_usd_per_million=1.0)), facts(EVERYONE))
    for row in decided.chain:
        tokens = decided.input_tokens + decided.output_tokens
        assert PRICES.estimate(row, decided.input_tokens, decided.output_tokens, facts().now) <= 1.0 * tokens
    assert reasons(decided)["anthropic/claude-opus-5-5"].endswith("per million tokens is above $1")
    assert reasons(decided)["crowelogic/mini"].startswith("an unknown price, taken as $")
    assert "at most $1 per million tokens" in decided.constraints


def test_a_ceiling_below_every_model_names_the_ceiling() -> None:
    with pytest.raises(NoModelAvailable) as caught:
        plan(ask("hello", routing=RoutingWish(max_usd_per_million=0.000001)))
    assert (caught.value.status, caught.value.param) == (400, "gateway.maxCostPer1MTokens")
    assert "; and " in caught.value.message


def test_the_demand_that_is_named_is_the_one_that_took_the_last_model() -> None:
    wish = RoutingWish(only=("deepseek",), has=("vision",))
    with pytest.raises(NoModelAvailable) as caught:
        plan(ask("hello", routing=wish))
    assert caught.value.param == "gateway.has"
    with pytest.raises(NoModelAvailable) as caught:
        plan(ask("hello", routing=RoutingWish(only=("nobody",))))
    assert caught.value.param == "gateway.only"


def test_a_provider_the_catalogue_does_not_know_leaves_the_operator_to_blame() -> None:
    with pytest.raises(NoModelAvailable) as caught:
        plan(ask("hello"), facts(frozenset({"elsewhere"})))
    assert caught.value.status == 503


@pytest.mark.parametrize(
    ("wish", "param"),
    [
        (RoutingWish(has=("telepathy",)), "gateway.has"),
        (RoutingWish(sort="beauty"), "gateway.sort"),
        (RoutingWish(max_usd_per_million=0.0), "gateway.maxCostPer1MTokens"),
        (RoutingWish(max_usd_per_million=float("nan")), "gateway.maxCostPer1MTokens"),
    ],
)
def test_a_wish_that_cannot_be_meant_names_its_field(wish: RoutingWish, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        plan(ask("hello", routing=wish))
    assert caught.value.param == param


def test_sorting_by_cost_takes_the_cheapest_and_by_speed_the_fastest() -> None:
    cheapest = plan(ask(HARD, routing=RoutingWish(sort="cost")), facts(EVERYONE))
    tokens = cheapest.input_tokens, cheapest.output_tokens
    rivals = [row for row in CATALOG.models if row.provider != "demo"]
    costs = [PRICES.estimate(row, *tokens, facts().now) for row in rivals]
    assert cheapest.cost.total == min(costs)
    for sort in ("ttft", "tps"):
        assert plan(ask(HARD, routing=RoutingWish(sort=sort))).model.speed == 5
    assert "sorted by cost" in cheapest.constraints


def test_preferred_providers_come_before_all_else() -> None:
    decided = plan(ask("hello", routing=RoutingWish(order=("google", "anthropic"))))
    assert [row.provider for row in decided.chain][:2] == ["google", "anthropic"]


def test_speed_first_prefers_a_fast_model_where_balance_takes_a_better_one() -> None:
    creative = ask("write a poem about rain")
    fast = plan(replace(creative, routing=RoutingWish(prioritize_speed=True)))
    assert fast.model.speed > plan(creative).model.speed
    assert "speed first" in fast.constraints


def test_otherwise_equal_models_stand_by_cost_and_then_by_id() -> None:
    twin = replace(CATALOG.model("xai/grok-4.7"), usd_per_million=(1.0, 1.0))
    rows = (replace(twin, id="xai/b"), replace(twin, id="xai/a"), replace(twin, id="xai/c", usd_per_million=(0.5, 0.5)))
    decided = plan(ask("hello"), facts(frozenset({"xai"})), Catalog.build(rows, CATALOG.providers, ()))
    assert ids(decided) == ["xai/c", "xai/a", "xai/b"]


def test_equal_worth_goes_to_the_cheaper_and_then_to_the_smaller_id() -> None:
    twin = CATALOG.model("xai/grok-4.7")
    costs = {"xai/a": 11, "xai/c": 10, "xai/b": 10}
    quotes = [Quote(replace(twin, id=name), cost, known=False, usd_per_million=1.0) for name, cost in costs.items()]
    offer = Offer(CATALOG, PRICES, facts())
    goal = goal_of(BY_TASK[Task.SIMPLE_CHAT], "low", needs_of(ask("hello"), 100), offer, 1_000)
    assert [quote.model.id for quote in rank(quotes, goal, offer)] == ["xai/b", "xai/c", "xai/a"]


def test_a_model_whose_price_is_unknown_is_not_avoided_for_it() -> None:
    decided = plan(ask("what is the effect of insulin on hepatic metabolism"), facts(EVERYONE))
    assert decided.model.id == "crowelogic/mini"


def test_a_catalogue_without_the_baseline_claims_no_saving() -> None:
    alone = Catalog.build((CATALOG.model("xai/grok-4.7"),), CATALOG.providers, ())
    decided = plan(ask("hello"), facts(frozenset({"xai"})), alone)
    assert decided.cost.baseline == 0
    assert "against" not in decided.reasoning


def test_a_model_that_is_down_is_left_out_unless_all_are() -> None:
    down = {"openai/gpt-6-luna": Health.DOWN}
    decided = plan(ask("hello"), facts(health=down))
    assert reasons(decided)["openai/gpt-6-luna"] == "down"
    everyone = dict.fromkeys((row.id for row in CATALOG.models), Health.DOWN)
    assert plan(ask("hello"), facts(health=everyone)).model.id == "openai/gpt-6-luna"


def test_a_degraded_model_loses_its_place_to_a_healthy_one() -> None:
    degraded = {"openai/gpt-6-luna": Health.DEGRADED}
    assert plan(ask("hello"), facts(health=degraded)).model.id != "openai/gpt-6-luna"


def test_the_customers_own_field_goes_to_the_customers_own_model() -> None:
    decided = plan(ask(GROWING), facts(EVERYONE))
    assert (decided.model.id, decided.task) == ("crowelogic/mini", Task.SCIENTIFIC_RESEARCH)
    assert "mushrooms" in decided.reasoning
    assert "is made for" in decided.reasoning


def test_a_translation_about_the_field_stays_a_translation_but_goes_to_the_own_model() -> None:
    decided = plan(ask("Translate to French: the mycelium grows"), facts(EVERYONE))
    assert (decided.model.id, decided.task) == ("crowelogic/mini", Task.TRANSLATION)


def test_where_the_own_model_cannot_serve_the_reason_is_told() -> None:
    assert "crowelogic/mini was left out: no key configured" in plan(ask(GROWING)).reasoning
    decided = plan(show(GROWING), facts(EVERYONE))
    assert decided.model.id != "crowelogic/mini"
    assert "left out: has no vision" in decided.reasoning
    without = Catalog.build(tuple(row for row in CATALOG.models if row.provider != "crowelogic"), aliases=())
    assert "left out: not in the catalogue" in plan(ask(GROWING), facts(), without).reasoning


def test_at_most_four_alternatives_say_why_they_were_not_chosen() -> None:
    decided = plan(ask("hello"))
    assert len(decided.alternatives) == 4
    assert all(each.why_not for each in decided.alternatives)


def test_the_reason_against_an_alternative_is_the_plainest_one() -> None:
    hard = plan(ask(HARD), facts(EVERYONE))
    whys = " | ".join(each.why_not for each in (*hard.alternatives, *plan(ask("hello"), facts(EVERYONE)).alternatives))
    assert "costs $" in whys
    assert "is preferred for simple_chat" in whys
    terra = plan(ask(HARD), facts(frozenset({"openai"})))
    assert any(each.why_not == "quality 3 is below the 5 needed" for each in terra.alternatives)


def test_what_no_model_reaches_is_told_as_the_nearest() -> None:
    decided = plan(ask(HARD), facts(frozenset({"groq"})))
    assert "comes nearest to quality 5" in decided.reasoning


def test_the_documents_function_takes_a_bare_prompt_a_ceiling_and_speed() -> None:
    router = Router(CATALOG, PRICES)
    known = RouteFacts(VENDORS, "free", facts().now)
    assert router.route_to_optimal_model("hello", facts=known) == plan(ask("hello"), known)
    cheap = router.route_to_optimal_model("write a poem about rain", facts=known, max_cost_per_1m_tokens=1.0)
    assert cheap.cost.total <= cheap.input_tokens + cheap.output_tokens
    quick = router.route_to_optimal_model("write a poem about rain", facts=known, prioritize_speed=True)
    assert quick.model.speed > router.route_to_optimal_model("write a poem about rain", facts=known).model.speed


def test_the_operators_ceiling_holds_where_the_caller_sets_none() -> None:
    tight, prompt = RouteFacts(VENDORS, "free", FACTS_NOW, max_usd_per_million=1.0), "Prove that primes never end."
    cheap = route(ask(prompt), tight, CATALOG, PRICES)
    own = route(ask(prompt, routing=RoutingWish(max_usd_per_million=50)), tight, CATALOG, PRICES)
    assert cheap.model.quality < own.model.quality


def test_savings_are_counted_against_the_named_baseline() -> None:
    cheap = route(ask("Hello!"), RouteFacts(VENDORS, "free", FACTS_NOW, "openai/gpt-6-luna"), CATALOG, PRICES)
    dear = route(ask("Hello!"), RouteFacts(VENDORS, "free", FACTS_NOW, "openai/gpt-4o"), CATALOG, PRICES)
    assert cheap.cost.baseline < dear.cost.baseline
