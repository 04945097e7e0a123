"""What is held about a user: all of it is shown to them, all of it goes, nothing under way brings it back."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import orjson
import pytest

from lib.access.key_record import KeyTerms
from lib.access.tier_lookup import TierLookup, TierRules
from lib.ai.observability.log import UsageLog
from lib.ai.observability.sweep import Sweep
from lib.ai.privacy.anonymise import Anonymiser
from lib.ai.privacy.deletion import Deletion
from lib.ai.privacy.places import Places
from lib.contract import Json, JsonObject
from lib.endpoints.users import deletion_of
from lib.errors import StoreError, StoreUnavailable
from lib.kv.kept import TOMBSTONE_SECONDS
from lib.kv.keys import day_of
from lib.kv.replies import Command, Reply
from lib.kv.store import Store
from tests.scripted.sayings import says
from tests.scripted.steps import delayed
from tests.support.asgi_client import Exchange, Response, post, request
from tests.support.batches import Client, question
from tests.support.deployment import ADMIN, SERVICE, Deployment, Instance, deployed
from tests.support.kept_streams import held_after_two_words, streaming, ui_chat
from tests.support.side_calls import ScriptedSideCalls
from tests.support.stripe import SECRET, event, signature, subscription
from tests.support.ticks import next_tick
from tests.support.traces import contents, traces

ROOT: Final = Path(__file__).resolve().parents[2]
USER: Final = "mallory-93"
CANARY: Final = "canary-7f3a"
WHO: Final = {"x_user_id": USER}
ENV: Final = {
    "GATEWAY_HASH_SECRET": "hash-secret",
    "KV_TIMEOUT_SECONDS": "60",
    "TIER_DAILY_BUDGETS_USD": "pro=1,free=1",
    "STRIPE_WEBHOOK_SECRET": SECRET,
    "STRIPE_PRICE_TIERS": "price_pro=pro",
}


class Table:
    """Who has subscribed to what."""

    async def tier_of(self, user_id: str) -> str:
        del user_id
        return "pro"


def asking(text: str, **more: Json) -> JsonObject:
    messages: list[Json] = [{"role": "user", "content": f"{CANARY}: {text}"}]
    return {"model": "gpt-4o", "messages": messages, "tags": [f"{CANARY}-tag"], **more}


async def data(here: Instance, method: str = "GET", user: str = USER, query: str = "", token: str = ADMIN) -> Response:
    headers = {"authorization": f"Bearer {token}"}
    return await Exchange(here.app("users"), method, f"/api/ai/users/{user}/data", headers, query=query).run()


async def deleted(here: Instance, user: str = USER) -> JsonObject:
    response = await data(here, "DELETE", user)
    assert response.status == 200, response.body
    return response.json()


def words_of(here: Instance, *more: str) -> list[str]:
    """What is not to be found."""
    return [USER, CANARY, here.gateway.keys.person(USER), *more]


async def uses_everything(site: Deployment, here: Instance) -> list[str]:
    """Write through every feature; the ids of API keys."""
    gateway = here.gateway
    first = await here.chat(asking("a question"), **WHO)
    hit = await here.chat(asking("a question"), **WHO)
    await here.chat(asking("keyed"), idempotency_key="k1", **WHO)
    await here.chat({**asking("streamed"), "stream": True}, **WHO)
    await here.chat({**asking("refused"), "model": "no-such-model"}, **WHO)
    assert (first.status, hit.headers["x-cache"]) == (200, "HIT (exact)")
    site.provider.script("gpt-4o", [held_after_two_words(CANARY, " is ", "it")])
    async with streaming(site, here, ui_chat(text=f"{CANARY} chat"), USER) as stream:
        await stream.shows(CANARY)
        await stream.hangs_up()
        site.provider.release()
    await embed_as(here, USER)
    headers = {"authorization": f"Bearer {SERVICE}", **WHO}
    for response in (first, hit):
        vote: JsonObject = {"requestId": response.headers["x-request-id"], "rating": "up", "reason": CANARY}
        assert (await post(here.app("feedback"), vote, "/api/ai/feedback", **headers)).status == 200
    issued = await gateway.api_keys.create(USER, KeyTerms(name=CANARY))
    assert (await here.chat(asking("by key"), authorization=f"Bearer {issued.token}")).status == 200
    assert (await post(here.app("rollout"), asking("rollout"), "/api/chat", **headers)).status == 200
    client = Client.of(here, USER)
    items: list[Json] = [question(n, messages=[{"role": "user", "content": f"{CANARY} {n}"}]) for n in range(3)]
    posted = await client.post({"requests": items, "mode": "durable"})
    assert posted.status == 202
    assert (await client.post({"requests": items[:1], "mode": "inline"})).status == 200
    rules = TierRules(("free", "pro"))
    assert await TierLookup(gateway.store, gateway.keys, site.clock, rules, Table()).tier_of(USER)
    body = event("customer.subscription.created", subscription(metadata={"user_id": USER}))
    signed = {"stripe-signature": signature(body, at=site.clock.now())}
    assert (await Exchange(here.app("hooks"), "POST", "/api/ai/hooks/stripe", signed, (body,)).run()).status == 200
    await gateway.sweep.run()
    return [issued.record.id]


async def embed_as(here: Instance, user: str) -> None:
    document: JsonObject = {"model": "text-embedding-3-small", "input": [f"{CANARY} text"], "dimensions": 4}
    headers = {"authorization": f"Bearer {SERVICE}", "x_user_id": user, "x_user_tier": "pro"}
    response = await post(here.app("v1"), document, "/api/ai/v1/embeddings", **headers)
    assert response.status == 200, response.body


async def rolled_up(site: Deployment) -> JsonObject:
    return await site.instance().usage()


async def sum_by_user(site: Deployment) -> tuple[list[int], list[int]]:
    """Requests and money of all users together, and of all requests."""
    here = site.instance().gateway
    await here.stats.get_daily_stats()
    month = day_of(site.clock.now())[:6]
    kv = here.store
    names = await kv.run("ZRANGE", here.keys.ranking("user", month), 0, -1)
    assert isinstance(names, list)

    async def counters(key: str) -> list[int]:
        read = await kv.run("BITFIELD", key, *(piece for n in range(4) for piece in ("GET", "u48", f"#{n}")))
        return [n for n in read if isinstance(n, int)] if isinstance(read, list) else []

    each = [await counters(here.keys.user_month(str(name), month)) for name in names]
    return [sum(column) for column in zip(*each, strict=True)], await counters(here.keys.view("all", "", month))


async def test_of_a_deleted_user_nothing_is_found_in_the_whole_store_and_the_sums_stay_exact() -> None:
    async with deployed(0.05, **ENV) as site:
        here = site.instance()
        key_ids = await uses_everything(site, here)
        before = await rolled_up(site)
        found = await traces(site, words_of(here, *key_ids))
        kinds = {name.split(":")[1] for name in found}
        assert kinds >= {"c1", "d1", "u1", "ix", "ev", "t2", "tr", "fb", "k1", "ku", "ka", "bh", "bq", "br", "bu"}
        assert kinds >= {"ss", "sn", "ti", "sb", "w1"}
        receipt = await deleted(site.instance())
        assert await traces(site, words_of(here, *key_ids)) == []
        assert not [name for name in await contents(site) if name.split(":")[1] in ("c1", "d1", "v1", "bq", "br")]
        counts = receipt["deleted"]
        assert isinstance(counts, dict)
        assert all(counts[kind] for kind in ("answers", "results", "vectors", "votes", "streams", "apiKeys", "batches"))
        assert await rolled_up(site) == before
        by_user, whole = await sum_by_user(site)
        assert by_user == whole


def test_the_page_about_privacy_names_every_kind_of_key() -> None:
    made = set(re.findall(r"_prefix}(\w\w)", (ROOT / "lib/kv/keys.py").read_text(encoding="utf-8")))
    page = (ROOT / "docs/privacy.md").read_text(encoding="utf-8")
    assert made - set(re.findall(r"`(\w\w):", page)) == set()


async def test_whatever_is_written_of_a_user_expires_by_itself() -> None:
    async with deployed(0.05, **ENV) as site:
        here = site.instance()
        await uses_everything(site, here)
        await here.gateway.stats.get_daily_stats()
        names = list(await contents(site))
        left = await here.gateway.store.run_many([("PTTL", name) for name in names])
    assert not [
        name for name, lifetime in zip(names, left, strict=True) if not isinstance(lifetime, int) or lifetime <= 0
    ]


async def test_a_second_deletion_finds_nothing_and_other_users_lose_nothing() -> None:
    async with deployed(0.05, **ENV) as site:
        here = site.instance()
        await uses_everything(site, here)
        other = await here.gateway.api_keys.create("bob", KeyTerms())
        await here.chat(asking("mine"), authorization=f"Bearer {other.token}")
        await here.chat(asking("theirs"), x_user_id="bob")
        person = here.gateway.keys.person("bob")
        before = await traces(site, [person, "bob"])
        await deleted(here)
        again = (await deleted(here))["deleted"]
        assert isinstance(again, dict)
        assert not any(again.values())
        assert await traces(site, [person, "bob"]) == before
        assert (await here.chat(asking("theirs"), x_user_id="bob")).headers["x-cache"] == "HIT (exact)"
        assert (await site.instance().chat(asking("x"), authorization=f"Bearer {other.token}")).status == 200


async def test_requests_that_were_under_way_bring_nothing_back_and_are_counted_for_nobody() -> None:
    async with deployed(0.05, **ENV) as site:
        here, there = site.instance(), site.instance()
        site.provider.script(
            "gpt-4o", [delayed(says(CANARY)), delayed(says(CANARY)), held_after_two_words(CANARY, " is ")]
        )
        chats = [
            asyncio.create_task(here.chat(asking("slow"), idempotency_key="k1", **WHO)),
            asyncio.create_task(here.chat(asking("slow too"), **WHO)),
        ]
        await asked(site, 2)
        async with streaming(site, here, ui_chat(text=f"{CANARY} chat"), USER) as stream:
            await stream.shows(CANARY)
            await deleted(there)
            assert await traces(site, words_of(here)) == []
            await stream.hangs_up()  # which is when a short stream would begin to be kept
            site.provider.release()
            await stream.ends()
        assert [answer.status for answer in await asyncio.gather(*chats)] == [200, 200]
        assert await traces(site, words_of(here)) == []
        today = await rolled_up(site)
        assert today["totalRequests"] == 3
        assert await traces(site, words_of(here)) == []
        assert (await here.gateway.sweep.run()) == []
        by_user, whole = await sum_by_user(site)
        assert by_user == whole


async def asked(site: Deployment, count: int) -> None:
    """Return once the provider has been asked so often."""
    while len(site.provider.requests) < count:
        await next_tick()


async def test_a_durable_batch_under_way_ends_without_a_trace() -> None:
    async with deployed(0.05, **ENV) as site:
        here, there = site.instance(), site.instance()
        site.provider.script("gpt-4o-mini", [delayed(says(CANARY))] * 3)
        items: list[Json] = [question(n, messages=[{"role": "user", "content": f"{CANARY} {n}"}]) for n in range(3)]
        client = Client.of(here, USER)
        exchange = client.exchange({"requests": items, "mode": "durable", "concurrency": 3})
        task = asyncio.create_task(exchange.run())
        await asked(site, 3)
        await deleted(there)
        site.provider.release()
        while not task.done():
            site.clock.turn(0.05)
            await next_tick()
        assert task.result().status == 202
        assert await traces(site, words_of(here)) == []
        assert (await Client.of(there, USER).job(str(task.result().json()["id"]))).status == 404


class Dies:
    """A store whose caller is killed at one of its calls."""

    def __init__(self, store: Store, at: int) -> None:
        self._store = store
        self._left = at

    async def run(self, *command: str | int) -> Reply:
        self._count()
        return await self._store.run(*command)

    async def run_many(self, commands: Sequence[Command]) -> list[Reply | StoreError]:
        self._count()
        return await self._store.run_many(commands)

    def _count(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise StoreUnavailable("killed")


def doomed(here: Instance, at: int) -> Deletion:
    gateway = here.gateway
    store = Dies(gateway.store, at)
    places = Places(store, gateway.keys, gateway.world.clock)
    log = UsageLog(store, gateway.keys)
    return Deletion(places, Anonymiser(places, log), lambda: f"del_{at}")


@pytest.mark.parametrize("at", [1, 3, 5, 8, 10, 13, 16, 19, 22, 24])
async def test_a_deletion_that_was_cut_short_anywhere_is_completed_by_the_cron_job(at: int) -> None:
    async with deployed(0.05, **ENV, CRON_SECRET="cron") as site:
        site.side_calls = ScriptedSideCalls({"data": []})
        here = site.instance()
        await here.chat(asking("a question"), **WHO)
        await here.chat(asking("keyed"), idempotency_key="k1", **WHO)
        await here.gateway.api_keys.create(USER, KeyTerms())
        before = await rolled_up(site)
        with pytest.raises(StoreUnavailable):
            await doomed(here, at).delete_user_data(USER)
        tasks = (await request(site.instance().app("hooks"), path="/api/ai/cron", authorization="Bearer cron")).json()
        done = tasks["did"]
        assert isinstance(done, dict)
        assert done["deletions"] == {"completed": 1}
        assert await traces(site, words_of(here)) == []
        assert await rolled_up(site) == before


class Pausing:
    """A store that lets something else happen before one kind of write."""

    def __init__(self, store: Store, containing: str) -> None:
        self._store = store
        self._containing = containing
        self.meanwhile: Deletion | None = None
        self.done = False

    async def run(self, *command: str | int) -> Reply:
        if self.meanwhile and command[0] == "EVAL" and any(self._containing in str(part) for part in command):
            deletion, self.meanwhile, self.done = self.meanwhile, None, True
            await deletion.delete_user_data(USER)
        return await self._store.run(*command)

    async def run_many(self, commands: Sequence[Command]) -> list[Reply | StoreError]:
        return await self._store.run_many(commands)


@pytest.mark.parametrize("work", ["roll-up", "sweep", "sweep before"])
async def test_a_roll_up_or_a_sweep_that_had_read_the_log_before_brings_nothing_back(work: str) -> None:
    async with deployed(0.05, **(ENV | {"TIER_DAILY_BUDGETS_USD": ""})) as site:
        here = site.instance()
        site.provider.script("gpt-4o", [says("one"), delayed(says(CANARY))])
        await here.chat(asking("a question"), **WHO)
        task = asyncio.create_task(here.chat(asking("open"), **WHO))
        await asked(site, 2)
        gateway, deletion = here.gateway, deletion_of(site.instance().site)
        shard = gateway.keys.shard(gateway.keys.person(USER))
        store = Pausing(gateway.store, "ranked" if work == "roll-up" else gateway.keys.sweep(shard))
        log = UsageLog(store, gateway.keys)
        if work == "sweep before":
            await gateway.sweep.run()
            await deletion.delete_user_data(USER)
        else:
            store.meanwhile = deletion
            if work == "sweep":
                await Sweep(store, gateway.keys, log, site.clock).run()
            else:
                await log.roll_up(day_of(site.clock.now()), shard)
            assert store.done
        assert await traces(site, words_of(here)) == []
        site.provider.release()
        assert (await task).status == 200
        assert await traces(site, words_of(here)) == []
        by_user, whole = await sum_by_user(site)
        assert by_user == whole


async def test_who_comes_back_is_served_at_once_and_kept_again_once_the_tombstone_is_gone() -> None:
    async with deployed(**ENV) as site:
        here = site.instance()
        await here.chat(asking("a question"), **WHO)
        await deleted(here)
        assert [(await here.chat(asking("again"), **WHO)).headers["x-cache"] for _ in range(2)] == ["MISS", "MISS"]
        site.clock.turn(TOMBSTONE_SECONDS + 1)
        kept = [(await here.chat(asking("again"), **WHO)).headers["x-cache"] for _ in range(2)]
        assert kept == ["MISS", "HIT (exact)"]


async def test_the_export_holds_what_was_written_and_only_of_its_user() -> None:
    async with deployed(0.05, **ENV) as site:
        here = site.instance()
        await uses_everything(site, here)
        await here.chat(asking("secret of bob"), x_user_id="bob")
        response = await data(here)
        assert response.headers["content-type"] == "application/json"
        items = response.json()["items"]
        assert isinstance(items, list)
        types = {str(item["type"]) for item in items if isinstance(item, dict)}
        assert types >= {"about", "usageTotals", "usageRecord", "answer", "result", "vector", "vote", "apiKey", "batch"}
        assert types >= {"batchRequests", "batchResult", "stream", "knownTier", "subscriptions", "budgetsAndLimits"}
        assert b"bob" not in response.body
        lines = (await data(here, query="format=ndjson")).body.splitlines()
        assert [orjson.loads(line)["type"] for line in lines] == [i["type"] for i in items if isinstance(i, dict)]
        nobody = (await data(here, user="nobody-here")).json()["items"]
        assert isinstance(nobody, list)
        assert len(nobody) == 1


async def test_users_reach_their_own_data_and_nobody_elses() -> None:
    async with deployed(**ENV) as site:
        here = site.instance()
        issued = await here.gateway.api_keys.create(USER, KeyTerms())
        await here.chat(asking("a question"), authorization=f"Bearer {issued.token}")
        own = [await data(here, user=user, token=issued.token) for user in ("me", USER, "bob")]
        assert [response.status for response in own] == [200, 200, 403]
        assert (await data(here, "DELETE", "bob", token=issued.token)).status == 403
        assert (await data(here, "DELETE", "me", token=issued.token)).status == 200
        assert await traces(site, words_of(here)) == []
        assert (await data(site.instance(), "GET", "me", token=issued.token)).status == 401
        assert (await data(here, query="format=xml")).status == 400


async def test_without_the_store_a_deletion_says_to_come_again_and_an_export_never_looks_whole() -> None:
    async with deployed(**ENV, UPSTASH_REDIS_REST_URL="", UPSTASH_REDIS_REST_TOKEN="") as site:
        here = site.instance()
        for method in ("GET", "DELETE"):
            assert (await data(here, method)).status == 503
