"""Experiments with the cache: sticky by user, felt in what is served, and read back arm by arm."""

from __future__ import annotations

from typing import Final

import orjson
import pytest

from lib.ai.experiment_board import MOST, TRUSTED_SECONDS
from lib.ai.observability.experiment_stats import ENOUGH, conclusion
from lib.ai.observability.totals import Totals
from lib.contract import Json, JsonObject
from lib.experiment import Arm, Assigned, Experiment, assigned, decode, encode
from tests.scripted.sayings import says
from tests.support.asgi_client import Exchange, Response, post
from tests.support.deployment import ADMIN, SERVICE, Deployment, Instance, deployed
from tests.support.near import FIRST, SAYS, SECOND, cache_of, certify, pool, question
from tests.support.traces import contents

ON: Final = {"CACHE_EXPERIMENTS": "1"}
PLACE: Final = "/api/ai/admin/experiments"
HEADERS: Final = {"authorization": f"Bearer {ADMIN}"}
TWO: Final = (Arm(name="as-is"), Arm(name="other", mode="off"))


def wish(*arms: JsonObject, name: str = "modes", percent: float = 100) -> JsonObject:
    return {"name": name, "percent": percent, "arms": [{"name": "as-is"}, *arms]}


async def put(here: Instance, document: JsonObject) -> Response:
    app = here.app("admin")
    return await Exchange(app, "PUT", PLACE, HEADERS, (orjson.dumps(document),)).run()


async def begun(site: Deployment, *arms: JsonObject) -> Instance:
    """An experiment that this instance knows of."""
    here = site.instance()
    assert (await put(here, wish(*arms))).status == 200
    return here


def user_in(here: Instance, arm: str) -> str:
    """A user whose arm this is."""
    board = here.gateway.experiments
    assert board is not None
    users = (f"user{n}" for n in range(200))
    return next(u for u in users if (a := board.arm_of(here.gateway.keys.person(u))) and a.arm.name == arm)


async def arms(here: Instance) -> dict[str, JsonObject]:
    """The figures by arm."""
    response = await Exchange(here.app("stats"), "GET", "/api/ai/stats", HEADERS).run()
    (experiment,) = _list(response.json()["experiments"])
    assert isinstance(experiment, dict)
    rows = [row for row in _list(experiment["arms"]) if isinstance(row, dict)]
    return {str(row["name"]): row for row in rows}


def _list(value: Json) -> list[Json]:
    assert isinstance(value, list)
    return value


def test_a_user_is_always_in_the_same_arm_and_arms_are_of_a_size() -> None:
    experiment = Experiment(name="x", arms=TWO)
    first = [assigned([experiment], f"{n:020x}") for n in range(2_000)]
    again = [assigned([experiment], f"{n:020x}") for n in range(2_000)]
    assert first == again
    others = sum(1 for each in first if each and each.arm.name == "other")
    assert 900 < others < 1_100


def test_only_the_named_share_of_users_is_in_an_experiment_and_each_in_one_at_most() -> None:
    ten, rest = Experiment(name="ten", arms=TWO, percent=10), Experiment(name="rest", arms=TWO, percent=50)
    names = [
        (a.experiment.name if a else "") for n in range(4_000) if (a := assigned([ten, rest], f"{n:020x}")) or not a
    ]
    assert 320 < names.count("ten") < 480
    assert 1_650 < names.count("rest") < 1_950


def test_experiments_are_read_back_as_they_were_kept_and_damaged_ones_left_out() -> None:
    kept = (Experiment(name="x", arms=(Arm(name="a"), Arm(name="b", mode="near", max_wrong=0.02, ttl_percent=50))),)
    assert decode(encode(kept)) == kept
    for text in ("", "{}", "[1]", '[{"name":"x"}]', encode(kept).replace('"near"', '"nearest"'), encode(kept)[:-9]):
        assert decode(text) == ()


@pytest.mark.parametrize(
    ("hits", "others", "said"),
    [
        (60, 61, "no difference"),
        (60, 160, "other hits more often than as-is"),
        (160, 60, "other hits less often than as-is"),
    ],
)
def test_a_difference_is_told_only_where_chance_does_not_explain_it(hits: int, others: int, said: str) -> None:
    both = [Assigned(Experiment(name="x", arms=TWO), arm) for arm in TWO]
    first, second = Totals(requests=400, exact_hits=hits), Totals(requests=400, exact_hits=others)
    assert conclusion(first, [second], both).startswith(said)
    assert conclusion(first, [Totals(requests=ENOUGH - 1)], both).startswith("not enough data yet")


async def test_an_arm_without_a_cache_asks_the_model_each_time_and_the_other_one_does_not() -> None:
    async with deployed(**ON) as site:
        here = await begun(site, {"name": "none", "mode": "off"})
        for arm, seen in (("as-is", ["MISS", "HIT (exact)"]), ("none", ["BYPASS", "BYPASS"])):
            user = user_in(here, arm)
            ask = question(FIRST, enableDedup=False)
            assert [cache_of(await here.chat(ask, x_user_id=user)) for _ in range(2)] == seen
        figures = await arms(here)
        assert [(figures[n]["requests"], figures[n]["exactHits"]) for n in ("as-is", "none")] == [(2, 1), (2, 0)]
        assert figures["as-is"]["hitRate"] == 0.5
        assert figures["as-is"]["enough"] is False
        assert figures["as-is"]["savedUsd"] != 0


async def test_an_arm_may_have_near_hits_where_the_deployment_has_none() -> None:
    async with deployed(**ON) as site:
        here = await begun(site, {"name": "near", "mode": "near"})
        for arm, seen in (("near", "HIT (semantic)"), ("as-is", "MISS")):
            user = user_in(here, arm)
            await certify(site, here)
            site.provider.script("*", [says(SAYS)])
            assert cache_of(await here.chat(question(FIRST), x_user_id=user)) == "MISS"
            assert cache_of(await here.chat(question(SECOND), x_user_id=user)) == seen
        assert (await arms(here))["near"]["semanticHits"] == 1


async def test_comparisons_of_an_arm_are_counted_apart_as_well() -> None:
    async with deployed(**ON) as site:
        here = await begun(site, {"name": "shadow", "mode": "shadow"})
        user = user_in(here, "shadow")
        site.provider.script("*", [says(SAYS), says(SAYS)])
        for text in (FIRST, SECOND):
            await here.chat(question(text), x_user_id=user)
        near = (await arms(here))["shadow"]["near"]
        assert isinstance(near, dict)
        assert (near["compared"], near["wrongRate"], near["note"]) == (1, None, "not enough data yet")
        assert sum(count for name, count in (await pool(here)).items() if name.startswith("s")) == 1024


async def test_an_arm_may_keep_answers_for_longer_or_shorter() -> None:
    async with deployed(**ON) as site:
        here = await begun(site, {"name": "short", "ttlPercent": 10})
        seconds = dict[str, int]()
        for arm in ("as-is", "short"):
            before = set(await contents(site))
            await here.chat(question(FIRST), x_user_id=user_in(here, arm))
            (name,) = [name for name in set(await contents(site)) - before if ":c1:" in name]
            seconds[arm] = int(str(await here.gateway.store.run("TTL", name)))
        assert 0.08 < seconds["short"] / seconds["as-is"] < 0.13


async def test_votes_are_counted_for_the_arm_once_each() -> None:
    async with deployed(**ON) as site:
        here = await begun(site, {"name": "none", "mode": "off"})
        user = user_in(here, "none")
        answer = await here.chat(question(FIRST), x_user_id=user)
        headers = {"authorization": f"Bearer {SERVICE}", "x_user_id": user}
        for rating in ("down", "up"):
            vote: JsonObject = {"requestId": answer.headers["x-request-id"], "rating": rating}
            await post(here.app("feedback"), vote, "/api/ai/feedback", **headers)
        assert (await arms(here))["none"]["feedback"] == {"up": 0, "down": 1, "regenerate": 0, "wrong": 0}


async def test_another_instance_hears_of_it_with_its_next_admission_and_forgets_it_in_time() -> None:
    async with deployed(**ON) as site:
        here = await begun(site, {"name": "none", "mode": "off"})
        user, there = user_in(here, "none"), site.instance()
        ask = question(FIRST, enableDedup=False)
        assert [cache_of(await there.chat(ask, x_user_id=user)) for _ in range(2)] == ["MISS", "BYPASS"]
        gone = await Exchange(here.app("admin"), "DELETE", PLACE, HEADERS, query="name=modes").run()
        assert gone.json()["experiments"] == []
        site.clock.turn(TRUSTED_SECONDS + 1)
        ask = question(SECOND, enableDedup=False)
        assert [cache_of(await there.chat(ask, x_user_id=user)) for _ in range(2)] == ["BYPASS", "MISS"]


@pytest.mark.parametrize(
    ("document", "param"),
    [
        ({}, "name"),
        (wish(), "arms"),
        (wish({"name": "as-is"}), "arms"),
        (wish({"name": "B"}), "arms[1].name"),
        (wish({"name": "b", "mode": "best"}), "arms[1].mode"),
        (wish({"name": "b", "maxWrong": 0.5}), "arms[1].maxWrong"),
        (wish({"name": "b", "ttlPercent": 0}), "arms[1].ttlPercent"),
        (wish({"name": "b", "share": 1}), "arms[1].share"),
        (wish({"name": "b"}, percent=0), "percent"),
        (wish({"name": "b"}, percent=101), "percent"),
    ],
)
async def test_what_is_no_experiment_is_refused_by_field(document: JsonObject, param: str) -> None:
    async with deployed(**ON) as site:
        response = await put(site.instance(), document)
        error = response.json()["error"]
        assert isinstance(error, dict)
        assert (response.status, error["param"]) == (400, param)


async def test_there_is_room_for_some_experiments_and_one_that_is_not_there_cannot_be_ended() -> None:
    async with deployed(**ON) as site:
        here = site.instance()
        for n in range(MOST):
            assert (await put(here, wish({"name": "b"}, name=f"x{n}"))).status == 200
        assert (await put(here, wish({"name": "b"}, name="more"))).status == 400
        assert (await put(here, wish({"name": "b"}, name="x3"))).status == 200
        assert (await Exchange(here.app("admin"), "DELETE", PLACE, HEADERS, query="name=no").run()).status == 404


async def test_switched_off_they_cannot_be_set_and_nothing_of_them_is_read() -> None:
    async with deployed() as site:
        here = site.instance()
        assert (await put(here, wish({"name": "b"}))).status == 409
        shown = await Exchange(here.app("admin"), "GET", PLACE, HEADERS).run()
        assert shown.json() == {"enabled": False, "experiments": []}
