"""Hits on questions that mean the same: compared first, served only where certified, and never across a border."""

from __future__ import annotations

from typing import Final

import pytest

from lib.ai.near.pools import MOST_OF_A_USER, TRUSTED_SECONDS
from lib.ai.near.tier import SLOT_SECONDS, WRONG_SECONDS
from lib.contract import Json, JsonObject
from lib.kv.keys import day_of
from tests.scripted.sayings import says
from tests.scripted.steps import fails
from tests.support.asgi_client import Exchange, post
from tests.support.asgi_transport import AsgiTransport
from tests.support.deployment import ADMIN, SERVICE, Deployment, Instance, deployed, text_in
from tests.support.faulty_kv import FaultyKv, Refuses
from tests.support.near import FIRST, SAYS, SECOND, TRAP, cache_of, certify, near_stats, pool, question
from tests.support.traces import contents, traces

NEAR: Final = {"CACHE_MODE": "near"}
MANY: Final = {**NEAR, "TIER_LIMITS": "pro=900/1", "MODEL_CLASS_LIMITS": "gpt-4o=900"}
UNLIKE: Final = "Open the settings 2 times, choose security and follow the link."
OTHER: Final = "Bake it for an hour until the crust sounds hollow underneath."


async def names(site: Deployment, letters: str) -> list[str]:
    return [name for name in await contents(site) if f":{letters}:" in name]


async def learned(site: Deployment, here: Instance) -> None:
    """The first question's answer is kept, and near hits are certified."""
    site.provider.script("*", [says(SAYS)])
    assert cache_of(await here.chat(question(FIRST))) == "MISS"
    await certify(site, here)


async def test_without_the_mode_nothing_of_the_near_tier_is_read_or_kept() -> None:
    async with deployed() as site:
        here = site.instance()
        for text in (FIRST, SECOND):
            assert cache_of(await here.chat(question(text))) == "MISS"
        assert [name for letters in ("n1", "np", "nc", "nt", "nu") for name in await names(site, letters)] == []


async def test_at_first_a_near_hit_is_only_compared_and_both_answers_are_the_models() -> None:
    async with deployed(**NEAR) as site:
        here = site.instance()
        site.provider.script("*", [says(SAYS), says(SAYS)])
        for text in (FIRST, SECOND):
            assert cache_of(await here.chat(question(text))) == "MISS"
        assert len(site.provider.requests) == 2
        (counted,) = {k: v for k, v in (await pool(here)).items() if k != "q"}.items()
        assert (counted[0][0], counted[1]) == ("s", 1024)


@pytest.mark.parametrize(("answer", "counted", "noted"), [(OTHER, "d", 1), (UNLIKE, "u", 0)])
async def test_an_answer_that_is_not_shown_to_be_the_same_counts_against_and_another_one_is_noted(
    answer: str, counted: str, noted: int
) -> None:
    async with deployed(**NEAR) as site:
        here = site.instance()
        site.provider.script("*", [says(SAYS), says(answer)])
        for text in (FIRST, SECOND):
            await here.chat(question(text))
        assert [name[0] for name in await pool(here) if name != "q"] == [counted]
        assert len(await names(site, "nt")) == noted


async def test_once_certified_it_is_served_costs_nothing_and_is_counted_as_what_it_is() -> None:
    async with deployed(**NEAR, TIER_DAILY_BUDGETS_USD="pro=5") as site:
        here = site.instance()
        await learned(site, here)
        spent = (await here.usage())["totalCostMicroUsd"]
        hit = await here.chat(question(SECOND))
        assert (cache_of(hit), text_in(hit), hit.headers["age"]) == (
            "HIT (semantic)",
            SAYS,
            str(int(TRUSTED_SECONDS) + 1),
        )
        body = hit.json()
        assert (body["cached"], len(site.provider.requests)) == ("semantic", 1)
        usage = await here.usage()
        assert (usage["cacheHits"], usage["totalCostMicroUsd"], usage["savedCostMicroUsd"]) == (1, spent, spent)
        (record, _) = await here.gateway.log.recent(here.gateway.keys.person("u1"), day_of(site.clock.now()), 2)
        assert (record.kind, record.cost_micro_usd, record.saved_micro_usd) == ("semantic", 0, spent)
        state = await here.gateway.store.run("GET", here.gateway.keys.user_state(record.person))
        assert f"{hit.headers['x-request-id']}," not in str(state), "the hold is taken off"
        assert await names(site, "d1") == [], "the claim is given up"


async def test_a_near_hit_is_streamed_like_any_answer() -> None:
    async with deployed(**NEAR) as site:
        here = site.instance()
        await learned(site, here)
        streamed = await here.chat(question(SECOND, stream=True))
        assert (cache_of(streamed), SAYS.split()[0] in streamed.body.decode()) == ("HIT (semantic)", True)


async def test_a_near_hit_does_not_make_its_own_question_an_exact_hit_nor_prolong_the_answer() -> None:
    async with deployed(**NEAR) as site:
        here = site.instance()
        await learned(site, here)
        assert [cache_of(await here.chat(question(SECOND))) for _ in range(2)] == ["HIT (semantic)"] * 2
        assert (len(await names(site, "c1")), len(await names(site, "n1"))) == (1, 1)


@pytest.mark.parametrize(
    "other",
    [
        question(TRAP),
        question(SECOND, temperature=0.3),
        question(SECOND, locale="de"),
        question(SECOND, maxTokens=50),
        question(SECOND, model="gpt-4o-mini"),
        question(SECOND, responseFormat={"type": "json_object"}),
        question(SECOND, tools=[{"type": "function", "function": {"name": "f", "parameters": {}}}]),
        question(SECOND, gateway={"cache": {"mode": "exact"}}),
        question(SECOND, gateway={"cache": {"mode": "off"}}),
        question(SECOND, gateway={"cache": {"maxAge": 30}}),
        question(SECOND, gateway={"cache": {"maxWrong": 0.0001}}),
        question(SECOND, enableCache=False),
        question(SECOND)
        | {"messages": [{"role": "system", "content": "Be short."}, {"role": "user", "content": SECOND}]},
        question(SECOND)
        | {
            "messages": [
                {"role": "user", "content": "Hello"},
                {"role": "assistant", "content": "Hi"},
                {"role": "user", "content": SECOND},
            ]
        },
    ],
)
async def test_another_question_other_terms_or_a_stricter_wish_get_the_models_own_answer(other: JsonObject) -> None:
    async with deployed(**NEAR) as site:
        here = site.instance()
        await learned(site, here)
        assert cache_of(await here.chat(other)) in ("MISS", "BYPASS")
        assert len(site.provider.requests) == 2
        assert cache_of(await here.chat(question(SECOND + " "), x_user_id="u2")) == "MISS"


@pytest.mark.parametrize("header", ["no-cache", "no-store", "max-age=30", "max-age=0", 'private, max-age="5"'])
async def test_cache_control_holds_for_near_hits(header: str) -> None:
    async with deployed(**NEAR) as site:
        here = site.instance()
        await learned(site, here)
        assert cache_of(await here.chat(question(SECOND), cache_control=header)) in ("MISS", "BYPASS")


@pytest.mark.parametrize(
    ("age", "wish", "cache"),
    [(59, {"maxAge": 60}, "HIT (exact)"), (61, {"maxAge": 60}, "MISS"), (61, {}, "HIT (exact)")],
)
async def test_an_exact_hit_may_be_too_old_and_is_then_not_counted(age: int, wish: JsonObject, cache: str) -> None:
    async with deployed() as site:
        here = site.instance()
        await here.chat(question(FIRST))
        site.clock.turn(age)
        assert cache_of(await here.chat(question(FIRST, gateway={"cache": wish}))) == cache
        usage = await here.usage()
        assert (usage["totalRequests"], usage["cacheHits"]) == (2, int(cache != "MISS"))


async def test_shadow_mode_never_serves_whatever_is_certified() -> None:
    async with deployed(CACHE_MODE="shadow") as site:
        here = site.instance()
        await learned(site, here)
        assert cache_of(await here.chat(question(SECOND))) == "MISS"


async def test_an_instance_that_has_not_read_the_counts_serves_nothing() -> None:
    async with deployed(**NEAR) as site:
        await learned(site, site.instance())
        store = FaultyKv(site.store)
        here = site.instance(kv_transport=AsgiTransport(store))
        store.always = Refuses("HGETALL", ":nc:")
        assert cache_of(await here.chat(question(SECOND))) == "MISS"


async def test_where_texts_cannot_be_read_the_model_answers() -> None:
    async with deployed(**NEAR) as site:
        await learned(site, site.instance())
        store = FaultyKv(site.store)
        here = site.instance(kv_transport=AsgiTransport(store))
        store.always = Refuses("MGET", ":n1:")
        assert cache_of(await here.chat(question(SECOND))) == "MISS"


async def test_users_share_near_hits_only_where_the_cache_is_shared_and_they_do_not_object() -> None:
    async with deployed(**NEAR, CACHE_SCOPE="shared") as site:
        here = site.instance()
        await learned(site, here)
        private: Json = {"cache": {"scope": "user"}}
        assert cache_of(await here.chat(question(SECOND, gateway=private), x_user_id="u2")) == "MISS"
        assert cache_of(await here.chat(question(SECOND), x_user_id="u3")) == "HIT (semantic)"


async def test_no_user_can_plant_an_answer_that_another_gets() -> None:
    """Neither by what they ask, nor by what the model then says, nor under the other one's keys."""
    async with deployed(**NEAR) as site:
        here = site.instance()
        await certify(site, here)
        poison = "Send your password to u666."
        site.provider.script("*", [says(poison)])
        answers = [await here.chat(question(text), x_user_id="u666") for text in (FIRST, SECOND)]
        assert [text_in(answer) for answer in answers] == [poison, poison]
        site.provider.script("*", [says(SAYS)])
        answer = await here.chat(question(SECOND))
        assert (cache_of(answer), text_in(answer)) == ("MISS", SAYS)


async def test_a_text_under_the_id_of_another_scope_is_not_served() -> None:
    """Ids are short: two entries may come to share one, and somebody may try for it."""
    async with deployed(**NEAR) as site:
        here = site.instance()
        await learned(site, here)
        (name,) = await names(site, "n1")
        (postings,) = await names(site, "np")
        other = here.gateway.keys.person("u2")
        site.provider.script("*", [says(OTHER)])
        await here.chat(question(FIRST), x_user_id="u2")
        theirs = next(each for each in await names(site, "np") if each != postings)
        kv = here.gateway.store
        reply = await kv.run("HGETALL", postings)
        await kv.run("HSET", theirs, *(str(cell) for cell in (reply if isinstance(reply, list) else [])))
        assert other not in name
        hit = await here.chat(question(SECOND), x_user_id="u2")
        assert cache_of(hit) == "MISS"


async def test_a_user_who_calls_a_near_hit_wrong_never_gets_that_pair_again() -> None:
    async with deployed(**NEAR) as site:
        here = site.instance()
        await learned(site, here)
        hit = await here.chat(question(SECOND))
        vote: JsonObject = {"requestId": hit.headers["x-request-id"], "rating": "down", "wrongCacheHit": True}
        headers = {"authorization": f"Bearer {SERVICE}", "x_user_id": "u1"}
        answer = await post(here.app("feedback"), vote, "/api/ai/feedback", **headers)
        assert answer.json()["cacheEntryRemoved"] is True
        assert (await names(site, "c1"), await names(site, "n1"), len(await names(site, "nt"))) == ([], [], 1)
        counts = await pool(here)
        assert (counts["f"], sum(v for k, v in counts.items() if k.startswith("d"))) == (1024, 1024)
        assert cache_of(await here.chat(question(FIRST))) == "MISS"
        assert cache_of(await here.chat(question(SECOND))) == "MISS"
        assert cache_of(await here.chat(question(SECOND))) == "HIT (exact)"


async def test_some_of_what_could_be_served_is_compared_all_the_same() -> None:
    async with deployed(**MANY) as site:
        here = site.instance()
        await learned(site, here)
        answers = [await here.chat(question(SECOND)) for _ in range(150)]
        caches = [cache_of(answer) for answer in answers]
        checked = caches.index("MISS")
        assert caches[:checked] == ["HIT (semantic)"] * checked
        assert set(caches[checked + 1 :]) == {"HIT (exact)"}, "the comparison's own answer is kept"


async def test_a_judge_says_whether_answers_are_the_same_where_their_words_do_not_show_it() -> None:
    async with deployed(**NEAR, CACHE_NEAR_JUDGE_MODEL="openai/gpt-4o-mini") as site:
        here = site.instance()
        site.provider.script("gpt-4o", [says(SAYS), says(UNLIKE)])
        site.provider.script("gpt-4o-mini", [says("SAME")])
        for text in (FIRST, SECOND):
            await here.chat(question(text))
        assert [name[0] for name in await pool(here) if name != "q"] == ["s"]
        asked = site.provider.requests[-1].body["messages"]
        assert isinstance(asked, list)
        assert UNLIKE in str(asked[-1])
        usage = await here.usage()
        assert usage["totalRequests"] == 3, "what the judge costs is booked"


@pytest.mark.parametrize("verdict", ["DIFFERENT", "It says: SAME", ""])
async def test_a_judge_that_does_not_say_same_counts_against(verdict: str) -> None:
    async with deployed(**NEAR, CACHE_NEAR_JUDGE_MODEL="openai/gpt-4o-mini") as site:
        here = site.instance()
        site.provider.script("gpt-4o", [says(SAYS), says(UNLIKE)])
        site.provider.script("gpt-4o-mini", [says(verdict)] if verdict else [fails(400)])
        for text in (FIRST, SECOND):
            await here.chat(question(text))
        assert [name[0] for name in await pool(here) if name != "q"] == ["d" if verdict == "DIFFERENT" else "u"]


async def test_one_user_does_not_certify_for_all_others() -> None:
    async with deployed(**NEAR) as site:
        here = site.instance()
        near = here.gateway.near
        assert near is not None
        person = here.gateway.keys.person("u1")
        for _ in range(MOST_OF_A_USER + 20):
            await here.gateway.store.run(*near.pools.counting("all", [("s3", 1)], person))
        await here.gateway.store.run(*near.pools.counting("all", [("s3", 1)], here.gateway.keys.person("u2")))
        assert (await pool(here))["s3"] == (MOST_OF_A_USER + 1) * 1024


async def test_postings_of_yesterday_are_still_found_and_older_ones_are_gone() -> None:
    day = {"CACHE_TTL_GENERAL_SECONDS": "1000000", "CACHE_TTL_FACTUAL_SECONDS": "1000000"}
    async with deployed(**NEAR, **day) as site:
        here = site.instance()
        await learned(site, here)
        site.clock.turn(SLOT_SECONDS)
        assert cache_of(await here.chat(question(SECOND))) == "HIT (semantic)"
        site.clock.turn(SLOT_SECONDS)
        assert cache_of(await here.chat(question(SECOND))) == "MISS"


async def test_what_soon_changes_is_not_offered_to_other_questions() -> None:
    async with deployed(**NEAR) as site:
        here = site.instance()
        answer = await here.chat(question("What is the weather in Oslo right now?"))
        assert answer.headers["x-cache-ttl-class"] == "time_sensitive"
        assert (await names(site, "n1"), await names(site, "np")) == ([], [])


async def test_everything_has_a_lifetime() -> None:
    async with deployed(**NEAR) as site:
        here = site.instance()
        site.provider.script("*", [says(SAYS), says(OTHER)])
        for text in (FIRST, SECOND):
            await here.chat(question(text))
        for name in await contents(site):
            assert int(str(await here.gateway.store.run("TTL", name))) > 0, name
        (wrong,) = await names(site, "nt")
        assert await here.gateway.store.run("TTL", wrong) == WRONG_SECONDS


async def test_a_deleted_users_questions_answers_and_postings_go() -> None:
    async with deployed(**NEAR) as site:
        here = site.instance()
        site.provider.script("*", [says(SAYS), says(OTHER)])
        for text in (FIRST, SECOND):
            await here.chat(question(text))
        headers = {"authorization": f"Bearer {ADMIN}"}
        receipt = (await Exchange(here.app("users"), "DELETE", "/api/ai/users/u1/data", headers).run()).json()[
            "deleted"
        ]
        assert isinstance(receipt, dict)
        assert receipt["nearAnswers"] == 2
        assert [name for letters in ("n1", "np", "nt", "nu") for name in await names(site, letters)] == []
        assert await traces(site, ["password", here.gateway.keys.person("u1")]) == []


async def test_a_request_under_way_brings_nothing_of_a_deleted_user_back() -> None:
    async with deployed(**NEAR) as site:
        here = site.instance()
        person = here.gateway.keys.person("u1")
        await here.gateway.store.run("SET", here.gateway.keys.tombstone(person), "1", "EX", 900)
        assert cache_of(await here.chat(question(FIRST))) == "MISS"
        assert [name for letters in ("n1", "np") for name in await names(site, letters)] == []


async def test_with_encryption_neither_question_nor_answer_can_be_read_and_hits_are_served() -> None:
    async with deployed(**NEAR, ENCRYPTION_KEYS="k" * 40) as site:
        here = site.instance()
        await learned(site, here)
        assert cache_of(await here.chat(question(SECOND))) == "HIT (semantic)"
        assert await traces(site, ["password", "security"]) == []


async def test_the_operator_is_told_what_would_be_served_and_how_sure_that_is() -> None:
    async with deployed(**NEAR) as site:
        here = site.instance()
        assert (await near_stats(here))["certified"] is False
        assert (await near_stats(here))["comparisonsMissing"] == 230
        site.provider.script("*", [says(SAYS), says(SAYS)])
        for text in (FIRST, SECOND):
            await here.chat(question(text))
        shown = await near_stats(here)
        assert (shown["mode"], shown["compared"], shown["different"], shown["comparisonsMissing"]) == (
            "near",
            1,
            0,
            229,
        )
        await certify(site, here)
        await here.chat(question("How do I reset the password that I have?"))
        shown = await near_stats(here)
        assert (shown["certified"], shown["comparisonsMissing"]) == (True, None)
        assert isinstance(bound := shown["boundPercent"], float)
        assert 0 < bound < 1
