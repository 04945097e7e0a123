"""Durable jobs over the whole product: made once, driven on by whoever comes, each item answered and paid for once."""

from __future__ import annotations

import asyncio
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Final

import jwt
import orjson

from lib.contract import JsonObject
from lib.web.asgi import AsgiApp
from tests.scripted.steps import fails
from tests.support.asgi_client import Exchange, request
from tests.support.asgi_transport import AsgiTransport
from tests.support.batches import PATH, Client, batch, content_of, error_of, question, results_of, statuses
from tests.support.books import logged
from tests.support.deployment import ADMIN, Deployment, deployed
from tests.support.faulty_kv import FaultyKv, Refuses, Status
from tests.support.side_calls import ScriptedSideCalls
from tests.support.ticks import next_tick

CRON: Final = "cron-secret"
SIGNING: Final = "sig_signs_what_the_queue_sends_0123456789"
TURNS: Final = Refuses("EVAL", "'gone'")
"""Of a job's workers."""
URL: Final = "https://gateway.example"
QUEUE: Final = {
    "QSTASH_TOKEN": "queue-token",
    "QSTASH_CURRENT_SIGNING_KEY": SIGNING,
    "GATEWAY_URL": URL,
}


async def posted(client: Client, document: JsonObject, **headers: str) -> str:
    """The id of a job that has been taken."""
    response = await client.post({**document, "mode": "durable"}, **headers)
    assert response.status == 202
    return str(response.json()["id"])


async def finished(site: Deployment, client: Client, job: str) -> JsonObject:
    """The job, once polling has driven it to its end; time goes on between."""
    for _ in range(200):
        document = (await client.job(job)).json()
        if document["status"] != "running" and document["status"] != "queued":
            return document
        site.clock.turn(20)
    raise AssertionError("the job does not end")


def call_of_the_queue(site: Deployment, body: bytes, *, key: str = SIGNING, app: AsgiApp | None = None) -> Exchange:
    digest = urlsafe_b64encode(sha256(body).digest()).decode()
    now = site.clock.now()
    claims = {"iss": "Upstash", "sub": f"{URL}/api/ai/hooks/queue", "nbf": now, "exp": now + 300, "body": digest}
    headers = {"upstash-signature": jwt.encode(claims, key, algorithm="HS256")}
    return Exchange(app or site.having(QUEUE).instance().app("hooks"), "POST", "/api/ai/hooks/queue", headers, (body,))


async def test_a_job_is_begun_after_the_answer_that_it_was_taken() -> None:
    async with deployed() as site:
        client = Client.of(site.instance())
        site.provider.hold()
        exchange = client.exchange({**batch(3), "mode": "durable"})
        task = asyncio.create_task(exchange.run())
        await site.provider.until(lambda p: p.in_flight == 3)
        taken = exchange.response
        assert (taken.complete, taken.status, taken.json()["status"]) == (True, 202, "queued")
        job = str(taken.json()["id"])
        assert taken.headers["location"] == f"{PATH}/{job}"
        now = (await client.job(job)).json()
        assert (now["status"], now["running"], now["done"], now["total"]) == ("running", 3, 0, 3)
        site.provider.release()
        await task
        done = (await client.job(job)).json()
        assert (done["status"], done["done"], done["failed"], done["running"]) == ("completed", 3, 0, 0)
        assert done["firstUnfinished"] == 3
        assert done["cost"] == sum(record.cost_micro_usd for record in await logged(site)) / 1e6
        results = await client.results(job)
        assert [(r["index"], r["id"], content_of(r)) for r in results] == [
            (n, f"q{n}", f"echo: Question {n}") for n in range(3)
        ]


async def test_more_than_a_hundred_items_become_a_job_and_json_lines_do() -> None:
    async with deployed(TIER_LIMITS="pro=1000/0") as site:
        client = Client.of(site.instance())
        response = await client.post(batch(101, concurrency=20))
        assert response.status == 202
        assert len(await client.results(str(response.json()["id"]))) == 101
        lines = b"\n".join(orjson.dumps(question(200 + n)) for n in range(2))
        headers = {name.replace("_", "-"): value for name, value in client.headers.items()}
        upload = Exchange(client.app, "POST", PATH, {**headers, "content-type": "application/jsonl"}, (lines,))
        taken = await upload.run()
        assert (taken.status, taken.json()["total"]) == (202, 2)


async def test_results_are_read_from_where_the_last_reading_ended() -> None:
    async with deployed() as site:
        client = Client.of(site.instance())
        job = await posted(client, batch(5))
        assert [r["index"] for r in await client.results(job, "after=2")] == [3, 4]
        assert await client.results(job, "after=4") == []
        headers = {name.replace("_", "-"): value for name, value in client.headers.items()}
        wrong = await Exchange(client.app, "GET", f"{PATH}/{job}/results", headers, query="after=-5").run()
        assert wrong.status == 400


async def test_the_same_key_is_the_same_job_and_another_body_under_it_is_refused() -> None:
    async with deployed() as site:
        client = Client.of(site.instance())
        job = await posted(client, batch(2), idempotency_key="k1")
        assert await posted(client, batch(2), idempotency_key="k1") == job
        other = await client.post({**batch(3), "mode": "durable"}, idempotency_key="k1")
        assert (other.status, len(site.provider.requests)) == (400, 2)
        assert b"idempotency_key_reused" in other.body
        assert await posted(Client.of(site.instance(), user="u2"), batch(2), idempotency_key="k1") != job


async def test_a_job_is_its_owners_alone() -> None:
    async with deployed() as site:
        here = site.instance()
        job = await posted(Client.of(here), batch(1))
        for stranger in (Client.of(here, user="u2"), Client.of(here, user="")):
            for call in (stranger.job(job), stranger.job(job, "DELETE"), stranger.job(f"{job}/results")):
                assert (await call).status == 404
        nobody = await request(here.app("batch"), "GET", f"{PATH}/{job}", authorization="Bearer wrong")
        assert nobody.status == 401
        assert (await Client.of(here, user="", token=ADMIN).job(job)).status == 200
        for strange in ("batch_nothing", "x", "batch_%00", f"{job}/else", "a" * 500):
            assert (await Client.of(here).job(strange)).status == 404


async def test_provider_keys_are_not_kept_for_later() -> None:
    async with deployed(BYOK_ALLOWED_TIERS="pro") as site:
        response = await Client.of(site.instance()).post({**batch(1), "mode": "durable"}, x_provider_key_openai="sk-1")
        assert (response.status, site.provider.requests) == (403, [])


async def test_a_user_may_have_so_many_jobs() -> None:
    async with deployed(BATCH_JOBS_PER_USER="2") as site:
        client = Client.of(site.instance())
        for _ in range(2):
            await posted(client, batch(1))
        refused = await client.post({**batch(1), "mode": "durable"})
        assert (refused.status, refused.headers["retry-after"]) == (429, "3600")


async def test_a_cancelled_job_begins_nothing_more_and_keeps_what_was_running() -> None:
    async with deployed() as site:
        client = Client.of(site.instance())
        site.provider.hold()
        task = asyncio.create_task(client.post({**batch(6, concurrency=2), "mode": "durable"}))
        await site.provider.until(lambda p: p.in_flight == 2)
        (name,) = await open_jobs(site)
        cancelled = (await client.job(name, "DELETE")).json()
        assert (cancelled["status"], cancelled["running"]) == ("cancelled", 2)
        site.provider.release()
        await task
        ended = (await client.job(name)).json()
        assert (ended["status"], ended["done"], ended["running"]) == ("cancelled", 2, 0)
        assert len(site.provider.requests) == 2
        assert statuses(await client.results(name)) == ["done", "done"]
        assert await open_jobs(site) == []


async def open_jobs(site: Deployment) -> list[str]:
    gateway = site.instance().gateway
    names = await gateway.store.run("SMEMBERS", gateway.keys.open_batches)
    return [str(name) for name in names] if isinstance(names, list) else []


async def test_what_passes_is_tried_again_a_few_times_and_what_does_not_is_not() -> None:
    async with deployed(60.0, RETRY_MAX_ATTEMPTS="1") as site:
        client = Client.of(site.instance())
        document: JsonObject = {"requests": [question(n, enableFallback=False) for n in range(2)], "concurrency": 1}
        site.provider.script("gpt-4o-mini", [fails(503), fails(400, "invalid_request_error"), fails(503), fails(503)])
        job = await posted(client, document)
        ended = await finished(site, client, job)
        assert (ended["status"], ended["failed"], ended["done"]) == ("completed", 2, 2)
        results = await client.results(job)
        assert [error_of(result)["status"] for result in results] == [503, 400]
        assert len(site.provider.requests) == 4


async def test_a_job_keeps_below_the_limit_and_goes_on_when_there_is_room() -> None:
    async with deployed() as site:
        client = Client.of(site.instance(), tier="free")
        job = await posted(client, batch(12))
        assert len(site.provider.requests) == 10
        first = (await client.job(job)).json()
        assert (first["status"], first["done"]) == ("running", 10)
        assert isinstance(first["pausedUntil"], int)
        assert first["pausedUntil"] > site.clock.now()
        assert (await finished(site, client, job))["done"] == 12
        assert {record.kind for record in await logged(site)} == {"call"}


async def test_a_limit_that_a_job_runs_into_all_the_same_is_waited_for() -> None:
    async with deployed(TIER_LIMITS="pro=1000/0") as site:
        client = Client.of(site.instance())
        job = await posted(client, {"requests": [question(n, model="gpt-4o") for n in range(23)]})
        assert len(site.provider.requests) == 20  # a minute, of this model
        ended = await finished(site, client, job)
        assert (ended["done"], ended["failed"]) == (23, 0)


async def test_items_meet_the_limit_where_that_is_wanted() -> None:
    async with deployed() as site:
        client = Client.of(site.instance(), tier="free")
        job = await posted(client, batch(12, onLimit="fail"))
        ended = await finished(site, client, job)
        assert (ended["status"], ended["done"], ended["failed"]) == ("completed", 12, 2)
        failed = [error_of(result) for result in await client.results(job) if result["status"] == "failed"]
        assert [error["code"] for error in failed] == ["rate_limit_exceeded"] * 2


async def test_an_answer_that_was_paid_for_but_not_recorded_is_replayed_and_its_cost_is_the_jobs() -> None:
    async with deployed() as site:
        faulty = FaultyKv(site.store)
        client = Client.of(site.instance(kv_transport=AsgiTransport(faulty)))
        site.provider.hold()
        task = asyncio.create_task(client.post({**batch(3), "mode": "durable"}))
        await site.provider.until(lambda p: p.in_flight == 3)
        faulty.always = TURNS
        site.provider.release()
        while len(await logged(site)) < 3:
            await next_tick()
        task.cancel()  # its function is gone, with what it had to say
        await asyncio.gather(task, return_exceptions=True)
        site.clock.turn(31)
        (job,) = await open_jobs(site)
        other = Client.of(site.instance())
        ended = await finished(site, other, job)
        assert (ended["done"], ended["failed"]) == (3, 0)
        assert len(site.provider.requests) == 3
        records = await logged(site)
        assert sorted(record.kind for record in records) == ["call"] * 3 + ["duplicate"] * 3
        assert ended["cost"] == sum(record.cost_micro_usd for record in records) / 1e6
        assert [content_of(r) for r in await other.results(job)] == [f"echo: Question {n}" for n in range(3)]


async def test_what_ended_while_the_store_took_no_turn_is_told_later_and_not_done_again() -> None:
    async with deployed() as site:
        faulty = FaultyKv(site.store)
        client = Client.of(site.instance(kv_transport=AsgiTransport(faulty)))
        site.provider.hold()
        task = asyncio.create_task(client.post({**batch(3, concurrency=1), "mode": "durable"}))
        await site.provider.until(lambda p: p.in_flight == 1)
        faulty.always = TURNS
        site.provider.release()
        while len(await logged(site)) < 1:
            await next_tick()
        seconds = 0
        while not task.done():
            faulty.always = TURNS if seconds < 3 else None
            for _ in range(20):
                await next_tick()
            site.clock.turn(1.0)
            seconds += 1
        (done,) = [(await client.job(job)).json() for job in await all_jobs(site)]
        assert (done["status"], done["done"]) == ("completed", 3)
        assert [record.kind for record in await logged(site)] == ["call"] * 3


async def all_jobs(site: Deployment) -> list[str]:
    gateway = site.instance().gateway
    text = await gateway.store.run("GET", gateway.keys.user_batches(gateway.keys.person("u1")))
    return [job.partition(",")[0] for job in str(text).split(";")]


async def test_a_store_that_is_away_for_a_while_delays_a_job_and_loses_nothing() -> None:
    async with deployed(1.0) as site:
        faulty = FaultyKv(site.store)
        client = Client.of(site.instance(kv_transport=AsgiTransport(faulty)))
        faulty.script.extend([None] * 4 + [Status(500, b"", "text/plain")] * 3)
        job = await posted(client, batch(6, concurrency=2))
        ended = await finished(site, Client.of(site.instance()), job)
        assert (ended["done"], ended["failed"]) == (6, 0)
        results = await Client.of(site.instance()).results(job)
        assert [content_of(r) for r in results] == [f"echo: Question {n}" for n in range(6)]
        assert len(site.provider.requests) == 6


async def test_without_the_store_there_are_no_jobs_and_the_answer_says_so() -> None:
    async with deployed() as site:
        client = Client.of(site.instance(UPSTASH_REDIS_REST_URL="", UPSTASH_REDIS_REST_TOKEN=""))
        for response in (await client.post({**batch(1), "mode": "durable"}), await client.job("batch_1")):
            assert (response.status, response.headers["retry-after"]) == (503, "5")
            assert b"store_unavailable" in response.body
        assert statuses(results_of(await client.post(batch(2)))) == ["done", "done"]


async def test_the_queue_drives_a_job_and_nobody_else_does_meanwhile() -> None:
    async with deployed() as site:
        queue = site.side_calls = ScriptedSideCalls({"messageId": "m"}, status=201)
        client = Client.of(site.having(QUEUE).instance(), tier="free")
        job = await posted(client, batch(12))
        (push,) = queue.sent
        assert push.url == f"https://qstash.upstash.io/v2/publish/{URL}/api/ai/hooks/queue"
        assert (push.headers["authorization"], push.headers["upstash-delay"]) == ("Bearer queue-token", "0s")
        assert (await client.job(job)).json()["status"] == "queued"
        assert not site.provider.requests
        hook = site.having(QUEUE).instance().app("hooks")
        first = await call_of_the_queue(site, push.content, app=hook).run()
        assert (first.status, len(site.provider.requests)) == (200, 10)
        again = queue.sent[1]
        assert 40 <= int(again.headers["upstash-delay"].removesuffix("s")) <= 62
        site.clock.turn(float(again.headers["upstash-delay"].removesuffix("s")))
        assert (await call_of_the_queue(site, again.content, app=hook).run()).status == 200
        assert (await client.job(job)).json()["status"] == "completed"
        assert len(queue.sent) == 2


async def test_only_the_last_function_at_work_on_a_job_has_it_go_on() -> None:
    async with deployed() as site:
        queue = site.side_calls = ScriptedSideCalls({"messageId": "m"}, status=201)
        here = site.having(QUEUE).instance()
        await posted(Client.of(here), batch(3, concurrency=2))
        hook = here.app("hooks")
        site.provider.hold()
        first = asyncio.create_task(call_of_the_queue(site, queue.sent[0].content, app=hook).run())
        await site.provider.until(lambda p: p.in_flight == 2)
        assert (await call_of_the_queue(site, queue.sent[0].content, app=hook).run()).status == 200
        assert len(queue.sent) == 1
        site.provider.release()
        assert (await first).status == 200
        assert (len(site.provider.requests), len(queue.sent)) == (3, 1)


async def test_a_job_that_the_queue_forgot_is_driven_by_whoever_asks_after_it() -> None:
    async with deployed() as site:
        site.side_calls = ScriptedSideCalls({"messageId": "m"}, status=201)
        client = Client.of(site.having(QUEUE).instance())
        job = await posted(client, batch(2))
        site.clock.turn(61)
        await client.job(job)
        assert (await client.job(job)).json()["status"] == "completed"


async def test_a_queue_that_does_not_take_a_job_leaves_it_to_the_function() -> None:
    async with deployed() as site:
        for status in (0, 500):
            site.side_calls = ScriptedSideCalls(status=status)
            client = Client.of(site.having(QUEUE).instance())
            job = await posted(client, batch(1))
            assert (await client.job(job)).json()["status"] == "completed"


async def test_the_hook_believes_a_signature_alone() -> None:
    async with deployed() as site:
        body = b'{"job":"batch_1"}'
        assert (await call_of_the_queue(site, body).run()).status == 200  # of a job that is gone: nothing to do
        for wrong in (
            call_of_the_queue(site, body, key="sig_of_somebody_else_0123456789abcdef"),
            Exchange(site.having(QUEUE).instance().app("hooks"), "POST", "/api/ai/hooks/queue", {}, (body,)),
        ):
            assert (await wrong.run()).status == 401
        assert (await call_of_the_queue(site, b'{"task":1}').run()).status == 400
        closed = site.instance().app("hooks")
        assert (await call_of_the_queue(site, body, app=closed).run()).status == 404


async def test_cron_works_off_what_is_open_and_is_closed_without_its_secret() -> None:
    async with deployed(CRON_SECRET=CRON) as site:
        faulty = FaultyKv(site.store)
        dying = Client.of(site.instance(kv_transport=AsgiTransport(faulty)))
        faulty.always = TURNS
        exchange = dying.exchange({**batch(2), "mode": "durable"})
        task = asyncio.create_task(exchange.run())
        while not exchange.response.complete:
            await next_tick()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        hooks = site.instance().app("hooks")
        for token, status in (("wrong", 401), (ADMIN, 401), (CRON, 200)):
            assert (await request(hooks, path="/api/ai/cron", authorization=f"Bearer {token}")).status == status
        again = await request(hooks, path="/api/ai/cron", authorization=f"Bearer {CRON}")
        assert b'"batches":{"jobs":0}' in again.body
        job = str(exchange.response.json()["id"])
        assert (await Client.of(site.instance()).job(job)).json()["status"] == "completed"
        unset = site.having({"CRON_SECRET": ""}).instance().app("hooks")
        assert (await request(unset, path="/api/ai/cron", authorization="Bearer None")).status == 401


async def test_two_functions_share_a_job_without_doing_an_item_twice() -> None:
    async with deployed(TIER_LIMITS="pro=1000/0") as site:
        clients = [Client.of(site.instance()) for _ in range(3)]
        site.provider.hold()
        tasks = [asyncio.create_task(clients[0].post({**batch(60, concurrency=9), "mode": "durable"}))]
        await site.provider.until(lambda p: p.in_flight == 9)
        (job,) = await open_jobs(site)
        tasks += [asyncio.create_task(client.job(job)) for client in clients[1:]]
        site.provider.release()
        await asyncio.gather(*tasks)
        assert (await clients[0].job(job)).json()["done"] == 60
        assert (len(site.provider.requests), site.provider.peak) == (60, 9)
        assert {record.kind for record in await logged(site)} == {"call"}
