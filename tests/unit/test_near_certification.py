"""When near hits may be served: the bound against published quantiles, and the rules of the cut."""

from __future__ import annotations

import random
from typing import Final

import pytest

from lib.ai.near.certification import Tally, certified_cut, incomplete_beta, least_wrong, within, worse, wrong_bound
from lib.ai.near.pools import BINS, EDGES, Pool, bin_of, pool_in, week_of
from lib.kv.replies import Reply

WEEK: Final = 7 * 86_400


@pytest.mark.parametrize(
    ("n", "k", "alpha", "upper", "lower"),
    [
        (230, 0, 0.1, 0.009961293887814408, 0.0),
        (229, 0, 0.1, 0.010004574665049679, 0.0),
        (114, 0, 0.1, 0.019995499372304923, 0.0),
        (30, 0, 0.1, 0.07388127187120652, 0.0),
        (500, 1, 0.1, 0.007756994552213628, 0.0002106988311985045),
        (1000, 5, 0.1, 0.009254858093067034, 0.0024345011809277363),
        (10_000, 80, 0.1, 0.009266774960284467, 0.0068808100066628545),
        (12.5, 0.25, 0.1, 0.19763430663163162, 5.241519055996677e-06),
        (40, 3, 0.05, 0.18258685001590122, 0.020753601475701208),
    ],
)
def test_the_bounds_are_clopper_and_pearsons(n: float, k: float, alpha: float, upper: float, lower: float) -> None:
    tally = Tally(n, k)
    assert wrong_bound(tally, alpha) == pytest.approx(upper, abs=2e-9)
    assert least_wrong(tally, alpha) == pytest.approx(lower, abs=2e-9)
    assert within(tally, upper * 1.0001, alpha)
    assert not within(tally, upper * 0.9999, alpha)
    assert worse(tally, lower * 0.99, alpha) == (k > 0)
    assert not worse(tally, lower * 1.01 + 1e-9, alpha)


@pytest.mark.parametrize(
    ("a", "b", "x", "value"),
    [
        (1, 230, 0.01, 0.9008951844811252),
        (6, 995, 0.007, 0.7001890333491022),
        (81, 9920, 0.009, 0.8429364326402518),
        (1.25, 12.25, 0.2, 0.9033407532744043),
        (0.5, 0.5, 0.3, 0.36901011956554536),
        (300, 2, 0.99, 0.19616357628514303),
        (3, 4, 0, 0.0),
        (3, 4, 1, 1.0),
    ],
)
def test_the_incomplete_beta_function_has_its_published_values(a: float, b: float, x: float, value: float) -> None:
    assert incomplete_beta(a, b, x) == pytest.approx(value, abs=1e-9)


def test_nothing_is_known_of_nothing() -> None:
    assert wrong_bound(Tally()) == 1.0
    assert wrong_bound(Tally(3, 3)) == 1.0
    assert certified_cut([Tally()] * 5, 0.5) is None


@pytest.mark.parametrize(("n", "certified"), [(229, False), (230, True)])
def test_one_percent_takes_230_comparisons_without_a_wrong_one(n: int, certified: bool) -> None:
    assert (certified_cut([Tally(), Tally(n)], 0.01) == 1) is certified


def test_few_comparisons_certify_nothing_however_lax_the_bound() -> None:
    assert certified_cut([Tally(29)], 0.5) is None
    assert certified_cut([Tally(30)], 0.5) == 0


def test_the_cut_is_the_lowest_bin_from_which_all_together_keep_the_bound() -> None:
    assert certified_cut([Tally(400, 9), Tally(150), Tally(300)], 0.01) == 1
    assert certified_cut([Tally(400, 0), Tally(150), Tally(300)], 0.01) == 0


def test_a_bin_without_comparisons_is_no_cut_but_may_lie_above_one() -> None:
    assert certified_cut([Tally(), Tally(250), Tally(), Tally(50)], 0.01) == 1


def test_below_a_bad_bin_nothing_is_served_even_where_good_ones_above_hide_it() -> None:
    good, bad = Tally(20_000, 10), Tally(20, 4)
    assert certified_cut([Tally(500), bad, good], 0.01) == 2
    assert certified_cut([Tally(500), Tally(20), good], 0.01) == 0


@pytest.mark.parametrize("max_wrong", [0.01, 0.02])
def test_the_bound_holds_for_at_least_nine_deployments_of_ten(max_wrong: float) -> None:
    kept = 0
    for seed in range(40):
        chance, wrong = random.Random(seed), [0.3, 0.1, 0.03, 0.012, 0.006, 0.002]
        cut = certified_cut([counted(chance, 400, share) for share in wrong], max_wrong)
        served = wrong[cut:] if cut is not None else [0.0]
        kept += sum(served) / len(served) <= max_wrong
    assert kept >= 36


def counted(chance: random.Random, n: int, share: float) -> Tally:
    return Tally(n, sum(chance.random() < share for _ in range(n)))


def test_scores_fall_into_bins_by_their_edges() -> None:
    assert [bin_of(score) for score in (0.0, 0.499, 0.5, 0.995, 1.0)] == [0, 0, 1, BINS - 1, BINS - 1]
    assert list(EDGES) == sorted(EDGES)


def test_counts_are_worth_half_after_each_week() -> None:
    now = 3_000 * WEEK + 5.0
    reply: Reply = ["w", str(week_of(now) - 2), "s3", str(400 * 1024), "u3", str(8 * 1024)]
    assert pool_in(reply, now).tallies[3] == Tally(102, 2)
    assert pool_in(reply, now - 2 * WEEK).tallies[3] == Tally(408, 8)


@pytest.mark.parametrize(
    "reply", [None, "text", 5, ["w"], ["s3", "many"], ["s3", None], ["s3", "-5"], ["w", "999999999"]]
)
def test_a_damaged_pool_certifies_nothing(reply: Reply) -> None:
    assert pool_in(reply, 1.0).cut(0.5) is None


def test_what_words_do_not_show_to_be_the_same_counts_against_serving_it() -> None:
    same = Pool({"s4": 300.0})
    assert same.cut(0.01) == 4
    assert Pool({"s4": 300.0, "u4": 9.0}).cut(0.01) is None
    assert Pool({"s4": 300.0, "d4": 9.0}).cut(0.01) is None
