"""Votes in the choice for `auto`, and trials of other models: when, which, how often, and never where they matter."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.ai.lessons import BUCKETS, ENOUGH, Belief, Lessons, Votes
from lib.ai.plan import Plan, RouteFacts, ShadowPolicy, Task
from lib.ai.router.automatic import ranked
from lib.ai.router.exploring import PERIOD_SECONDS, Arm, best_chances, drawn, trial
from lib.ai.router.offer import Offer
from lib.ai.router.quality import shipped
from lib.ai.router.ranking import Goal
from lib.ai.router.reading import read
from lib.ai.router.trying import SHARE_OF_BASELINE, TIMES_AS_DEAR, WORSE_AT_MOST, safe
from lib.answer import Health
from lib.contract import ChatRequest, Json, JsonObject, Message, RoutingWish
from lib.messages import last_user_text
from tests.support.routing import CATALOG, PRICES, TOOL, ask, facts, plan, show

CHAT: Final = Task.SIMPLE_CHAT.value
PROMPT: Final = "hello there"
SHARE: Final = 0.05
FIRST: Final = plan(ask(PROMPT)).model.id
SOME: Final = Lessons({("s", FIRST): Votes(up=70, down=30)})


def taught(lessons: Lessons = SOME, *, share: float = 0.0, task: str = CHAT) -> RouteFacts:
    return replace(facts(), lessons={task: lessons}, exploration=share)


def named(number: int) -> str:
    """A number in letters, for prompts that differ and are of one kind."""
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))


def trials(request: ChatRequest, known: RouteFacts, count: int = 300) -> list[Plan]:
    """Plans of a request with many wordings that are of the same kind of work."""
    wordings = [replace(request, messages=_reworded(request, number)) for number in range(count)]
    plans = [plan(wording, known) for wording in wordings]
    return [each for each in plans if each.task is plan(request).task]


def _reworded(request: ChatRequest, number: int) -> tuple[Message, ...]:
    *before, last = request.messages
    content, name = last["content"], named(number)
    text: Json = f"{content} {name}"
    if isinstance(content, list):
        text = [{"type": "text", "text": f"what is this? {name}"}, *content[1:]]
    return (*before, {**last, "content": text})


def test_votes_against_the_first_model_bring_another_one_to_its_place() -> None:
    disliked = Lessons({("s", FIRST): Votes(up=20, down=400)})
    assert plan(ask(PROMPT), taught(disliked)).model.id != FIRST
    assert plan(ask(PROMPT), taught(SOME)).model.id == FIRST


def test_votes_for_another_model_bring_it_to_the_first_place() -> None:
    other = plan(ask(PROMPT)).alternatives[0].model
    liked = Lessons({("s", other): Votes(up=900), ("s", FIRST): Votes(up=300, down=500)})
    assert plan(ask(PROMPT), taught(liked)).model.id == other


@pytest.mark.parametrize("lessons", [None, {}, {Task.TRANSLATION.value: Lessons({("s", FIRST): Votes(down=900)})}])
def test_without_votes_on_this_kind_of_work_the_table_decides(lessons: dict[str, Lessons] | None) -> None:
    known = replace(facts(), lessons=lessons, exploration=SHARE)
    decided, by_table = plan(ask(PROMPT), known), plan(ask(PROMPT))
    assert replace(decided, bucket="") == by_table
    assert all(not each.exploration and each.propensity == 1.0 for each in trials(ask(PROMPT), known))


def test_votes_on_long_prompts_say_nothing_of_short_ones() -> None:
    other_length = Lessons({("l", FIRST): Votes(up=20, down=900)})
    assert plan(ask(PROMPT), taught(other_length)).model.id == FIRST


def test_votes_on_models_that_are_no_longer_there_do_no_harm() -> None:
    gone = Lessons({("s", "gone/model"): Votes(up=600, down=300), ("s", FIRST): Votes(up=70, down=30)})
    assert plan(ask(PROMPT), taught(gone)).model.id == FIRST


def test_votes_never_bring_a_model_that_does_not_fit() -> None:
    blind = "deepseek/deepseek-v4-flash"
    lessons = Lessons({("s", blind): Votes(up=900), ("s", FIRST): Votes(down=900)})
    assert blind not in [row.id for row in plan(show(), taught(lessons, task=Task.VISION.value)).chain]


def test_a_share_of_the_prompts_tries_another_model_and_says_so() -> None:
    decided = trials(ask(PROMPT), taught(share=0.2), 1_000)
    tried = [each for each in decided if each.exploration]
    assert 10 < len(tried) < 200
    assert {each.model.id for each in decided if not each.exploration} == {FIRST}
    assert all("tried to learn" in each.reasoning for each in tried)
    assert FIRST in [row.id for each in tried for row in each.chain[1:]]


def test_the_propensity_is_how_often_a_model_is_chosen() -> None:
    decided = trials(ask(PROMPT), taught(share=0.2), 3_000)
    seen, told = Counter(each.model.id for each in decided), {each.model.id: each.propensity for each in decided}
    for model, propensity in told.items():
        spread = 4 * math.sqrt(propensity * (1 - propensity) / len(decided))
        assert abs(seen[model] / len(decided) - propensity) < spread
    assert sum(told.values()) <= 1 + 1e-6


def test_a_model_that_is_surely_worse_is_tried_less_than_one_that_may_be_better() -> None:
    chances = best_chances([Arm(1.0, 0.05), Arm(0.98, 0.05), Arm(0.5, 0.05)])
    assert chances[0] > chances[1] > 0.3
    assert chances[2] < 0.001


@given(st.lists(st.tuples(st.floats(-9, 9), st.floats(0, 2)), min_size=1, max_size=6))
def test_the_chances_of_all_models_sum_to_one(arms: list[tuple[float, float]]) -> None:
    chances = best_chances([Arm(*arm) for arm in arms])
    assert math.isclose(sum(chances), 1.0)
    assert all(chance >= 0 for chance in chances)


def test_where_nothing_may_be_tried_the_first_is_certain() -> None:
    assert trial([Arm(1.0, 0.1)], SHARE, (0.0, 0.9)).propensity == 1.0
    assert trial([Arm(1.0, 0.1), Arm(1.0, 0.1)], 0.0, (0.0, 0.9)).propensity == 1.0


def test_the_same_prompt_goes_to_the_same_model_for_a_week_so_that_its_cached_answer_is_found() -> None:
    known = taught(share=0.2)
    again, tried = next(
        (wording, decided)
        for wording in (ask(f"{PROMPT} {named(number)}") for number in range(10, 1_000))
        if (decided := plan(wording, known)).exploration
    )
    begun = known.now - known.now % PERIOD_SECONDS
    for moment in (begun, begun + 1, begun + PERIOD_SECONDS - 1):
        assert plan(again, replace(known, now=moment)).model.id == plan(again, replace(known, now=begun)).model.id
    typed_otherwise = ask(f"{last_user_text(again.messages)}!")
    assert plan(typed_otherwise, known).model.id == tried.model.id


def test_no_prompt_is_tried_out_for_ever() -> None:
    weeks = [drawn(PROMPT, week * PERIOD_SECONDS) for week in range(50)]
    assert len(set(weeks)) == 50
    assert all(0 <= number < 1 for draw in weeks for number in draw)


ANSWERED: Final[tuple[JsonObject, ...]] = (
    {"role": "user", "content": "hello there"},
    {"role": "assistant", "content": "Hello!"},
)


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(ask(PROMPT, model="gpt-4o"), id="a named model"),
        pytest.param(replace(ask(PROMPT), temperature=0.0), id="temperature 0"),
        pytest.param(replace(ask(PROMPT), tools=(TOOL,)), id="tools"),
        pytest.param(replace(ask(PROMPT), response_format={"type": "json_object"}), id="JSON"),
        pytest.param(show(PROMPT), id="an image"),
        pytest.param(replace(ask(PROMPT), messages=(*ANSWERED, *ask(PROMPT).messages)), id="a conversation under way"),
        pytest.param(ask(PROMPT, routing=RoutingWish(order=("openai",))), id="providers in order"),
        pytest.param(ask(PROMPT, routing=RoutingWish(sort="cost")), id="sorted by cost"),
        pytest.param(ask(PROMPT, routing=RoutingWish(prioritize_speed=True)), id="speed first"),
        pytest.param(ask(PROMPT, routing=RoutingWish(models=("gpt-4o",))), id="a list of models"),
    ],
)
def test_nothing_is_tried_where_the_model_is_somebodys_wish_or_a_change_would_show(request_: ChatRequest) -> None:
    known = replace(taught(share=1.0), lessons=dict.fromkeys(Task, SOME))
    decided = trials(request_, known, 100)
    assert not any(each.exploration or each.propensity < 1 for each in decided)


def test_nothing_is_tried_before_there_are_enough_votes() -> None:
    few = Lessons({("s", FIRST): Votes(up=ENOUGH - 1)})
    assert not any(each.exploration for each in trials(ask(PROMPT), taught(few, share=1.0), 100))
    enough = Lessons({("s", FIRST): Votes(up=ENOUGH)})
    assert any(each.exploration for each in trials(ask(PROMPT), taught(enough, share=1.0), 100))


def test_what_is_tried_is_not_much_dearer_nor_below_what_is_needed_nor_ill() -> None:
    known = taught(share=1.0)
    by_table = plan(ask(PROMPT), known)
    tried = [each for each in trials(ask(PROMPT), known, 400) if each.exploration]
    models = {each.model.id for each in tried}
    assert models
    ceiling = max(TIMES_AS_DEAR * by_table.cost.total, 0.1 * by_table.cost.baseline)
    assert all(each.cost.total <= ceiling * 1.5 for each in tried)  # prompts differ in length
    ill = replace(known, health=dict.fromkeys(models, Health.DEGRADED))
    assert not {each.model.id for each in trials(ask(PROMPT), ill, 400) if each.exploration} & models


def test_a_model_is_safe_to_try_while_it_is_well_good_enough_not_much_dearer_and_not_thought_much_worse() -> None:
    request = ask("Solve this equation for x: 3x + 4 = 19")
    offer = Offer(CATALOG, PRICES, taught(Lessons({("s", FIRST): Votes(up=70)}), task=Task.COMPLEX_REASONING.value))
    ranking = ranked(read(request), offer)
    best, goal = ranking.best, ranking.goal
    other = next(quote for quote in ranking.quotes[1:] if safe(quote, best, goal, offer))
    believed = goal.beliefs[best.model.id].mean

    def thought(mean: float) -> Goal:
        return replace(goal, beliefs={**goal.beliefs, other.model.id: Belief(mean, mean, 0.3)})

    assert safe(other, best, thought(believed - WORSE_AT_MOST + 0.01), offer)
    assert not safe(other, best, thought(believed - WORSE_AT_MOST - 0.01), offer)
    assert not safe(replace(other, known=False), best, goal, offer)
    dear = int(max(TIMES_AS_DEAR * best.total, SHARE_OF_BASELINE * goal.baseline_micro_usd))
    assert safe(replace(other, total=dear), best, goal, offer)
    assert not safe(replace(other, total=dear + 1), best, goal, offer)
    small = replace(other, model=replace(other.model, quality=goal.quality - 1))
    assert not safe(small, best, goal, offer)
    ill = replace(offer, facts=replace(offer.facts, health={other.model.id: Health.DEGRADED}))
    assert not safe(other, best, goal, ill)


def test_a_shadow_without_votes_is_what_the_table_alone_would_have_asked() -> None:
    disliked = replace(taught(Lessons({("s", FIRST): Votes(up=20, down=400)})), shadow=ShadowPolicy("rules"))
    decided = plan(ask(PROMPT), disliked)
    assert decided.shadow is not None
    assert (decided.shadow.model, decided.shadow.agrees) == (FIRST, False)
    assert decided.model.id != FIRST
    assert decided.shadow.served_micro_usd == decided.cost.total


def test_what_voters_dislike_is_tried_no_more() -> None:
    known = taught(share=1.0)
    models = {each.model.id for each in trials(ask(PROMPT), known) if each.exploration}
    hated = {("s", model): Votes(up=10, down=900) for model in models}
    after = taught(Lessons({**hated, ("s", FIRST): Votes(up=700, down=300)}), share=1.0)
    assert not {each.model.id for each in trials(ask(PROMPT), after) if each.exploration} & models


def test_votes_on_every_model_of_the_catalogue_have_a_quality_to_start_from() -> None:
    prior = shipped().prior(Task.SIMPLE_CHAT, {row.id: row for row in CATALOG.models})
    assert all(0 < prior(bucket, row.id) < 1 for row in CATALOG.models for bucket in BUCKETS)
    assert 0 < prior("s", "gone/model") < 1
