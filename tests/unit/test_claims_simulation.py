"""The simulation behind docs/claims.md: the same dice give the same tables, and its figures add up."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from bench.claims.figures import Sums, Tally, availability, figure, quality_lost, saved, surely, tallied
from bench.claims.layers import LAYERS, LEVELS, PRODUCT, judged
from bench.claims.questions import NATURAL, PROMPTS, Prompt, case_in, prompts
from bench.claims.simulation import Outcome, Run, Scenario, simulated
from bench.claims.tables import report
from bench.claims.traffic import DOUBLE_CLICK, Kind, traffic
from bench.claims.virtual_time import VirtualLoop
from bench.claims.weather import LIMIT, MODEL_OUTAGE, PROVIDER_OUTAGE, Weather

MODELS = ("openai/a", "openai/b", "google/c")
MONTH = 30 * 86_400
FILES = prompts(PROMPTS)
FEW = Run(requests=300, seed=1)
ONE_MODEL = LAYERS[0]


def test_waiting_takes_no_time_and_timers_ring_in_order() -> None:
    loop = VirtualLoop()
    rung: list[int] = []

    async def wait(seconds: int) -> None:
        await asyncio.sleep(seconds)  # noqa: TID251 - of the virtual loop
        rung.append(seconds)

    async def all_of_them() -> None:
        await asyncio.gather(wait(86_400), wait(3), wait(60))

    loop.run_until_complete(all_of_them())
    assert rung == [3, 60, 86_400]
    assert loop.time() == pytest.approx(86_400)
    loop.close()


def test_a_wait_that_nothing_can_end_is_an_error() -> None:
    loop = VirtualLoop()
    with pytest.raises(RuntimeError, match="no timer"):
        loop.run_until_complete(loop.create_future())
    loop.close()


def test_a_single_model_is_away_as_often_as_stated() -> None:
    weathers = [Weather(MODELS, MONTH, seed) for seed in range(10)]
    seen = Counter(weather.fault("google/c", at) for weather in weathers for at in range(0, MONTH, 30))
    away = 1 - (seen[""] + seen[LIMIT]) / seen.total()
    assert away == pytest.approx(MODEL_OUTAGE.share + PROVIDER_OUTAGE.share, rel=0.15)


def test_models_of_one_provider_fail_together_more_often_than_by_chance() -> None:
    weather = Weather(MODELS, MONTH, seed=1)
    seen = [[weather.fault(model, at) not in ("", LIMIT) for model in MODELS] for at in range(0, MONTH, 30)]
    together, by_chance = sum(a and b for a, b, _ in seen), sum(a and c for a, _, c in seen)
    assert together > 5 * by_chance


def test_weather_is_the_same_for_the_same_seed_alone() -> None:
    weathers = [Weather(MODELS, MONTH, seed) for seed in (1, 1, 2)]
    first, again, other = ([each.fault("openai/a", at) for at in range(0, MONTH, 60)] for each in weathers)
    assert first == again != other


def test_traffic_has_the_stated_shares_in_order_of_time() -> None:
    asked = traffic(FILES[NATURAL], 0.5, 4_000, seed=3)
    kinds = Counter(each.kind for each in asked)
    assert [each.at for each in asked] == sorted(each.at for each in asked)
    assert kinds[Kind.DOUBLE] / 4_000 == pytest.approx(DOUBLE_CLICK, rel=0.3)
    assert (kinds[Kind.SAME] + kinds[Kind.REWORDED]) / 4_000 == pytest.approx(0.5, rel=0.1)


def test_only_repeats_ask_what_was_asked_before() -> None:
    seen: set[int] = set()
    for each in traffic(FILES[NATURAL], 0.5, 1_000, seed=3):
        case = case_in(each.text)
        assert (case in seen) is (each.kind is not Kind.FRESH)
        seen.add(case)


def test_a_tier_that_nobody_tried_has_the_score_of_the_next_lower_one() -> None:
    prompt = Prompt("?", "math", {2: 0.4, 3: 0.7})
    assert [prompt.score(tier) for tier in (1, 2, 5)] == [None, 0.4, 0.7]


@pytest.fixture(scope="module")
def product() -> list[Outcome]:
    return simulated(PRODUCT, FILES[NATURAL], FEW)


@pytest.mark.slow
def test_the_same_dice_give_the_same_outcomes(product: list[Outcome]) -> None:
    assert simulated(PRODUCT, FILES[NATURAL], FEW) == product


def test_hits_and_duplicates_cost_nothing_and_ask_nobody(product: list[Outcome]) -> None:
    cached = [each for each in product if each.cached]
    assert cached
    assert {(each.micro_usd, each.reached) for each in cached} == {(0, False)}


def test_a_fresh_question_is_never_a_hit(product: list[Outcome]) -> None:
    assert {each.cached for each in product if each.asked.kind is Kind.FRESH} == {None}


def test_no_double_click_reaches_a_provider(product: list[Outcome]) -> None:
    doubles = [each.reached for each in product if each.asked.kind is Kind.DOUBLE]
    assert doubles
    assert not any(doubles)


def test_one_model_for_everything_costs_its_list_price() -> None:
    answered = [each for each in simulated(ONE_MODEL, FILES[NATURAL], FEW) if each.ok]
    assert all(each.micro_usd == each.list_micro_usd[0] and each.served == "openai/gpt-4o" for each in answered)


def test_figures_are_ratios_of_sums() -> None:
    sums = Sums(requests=4, answered=3, micro_usd=25, list_micro_usd=100, score=9, list_score=10)
    assert (availability(sums), saved(sums)) == (0.75, 0.75)
    assert quality_lost(sums) == pytest.approx(0.1)


def test_an_interval_holds_the_figure_and_is_wider_where_blocks_differ() -> None:
    even, uneven = ((Sums(requests=10, answered=a), Sums(requests=10, answered=b)) * 20 for a, b in ((8, 8), (6, 10)))
    alike, mixed = (figure(Tally(blocks, (), Counter(), Counter()), availability) for blocks in (even, uneven))
    assert (alike.low, alike.high) == (0.8, 0.8)
    assert mixed.low < mixed.value < mixed.high


def test_an_interval_is_the_same_each_time() -> None:
    blocks = tuple(Sums(requests=40, answered=each**1.3) for each in range(17))
    tally = Tally(blocks, (), Counter(), Counter())
    assert figure(tally, availability) == figure(tally, availability)


def test_where_nothing_failed_certainty_is_not_claimed() -> None:
    tally = Tally((Sums(requests=300, answered=300),), (), Counter(), Counter())
    assert surely(tally, availability).low == pytest.approx(0.99)


@pytest.mark.slow
def test_the_report_has_a_row_for_each_scenario_and_is_the_same_twice() -> None:
    quality = judged(FILES)
    rows: dict[str, Scenario] = {row.name: row for row in (*LAYERS, *(row for _, row in LEVELS), *quality)}

    def lines() -> list[str]:
        found = {name: [tallied(simulated(row, FILES[row.mix], Run(20, 1)))] for name, row in rows.items()}
        return list(report(found, quality))

    once = lines()
    assert all(any(line.startswith(f"| {name} |") for line in once) for name in (each.name for each in LAYERS))
    assert lines() == once
