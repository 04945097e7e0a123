"""An inline batch over the whole product: items like chats, at the user's pace, answered as they come or at once."""

from __future__ import annotations

import asyncio

from lib.answer import Done
from lib.contract import Caller, CallerKind, ChatRequest, Job, JsonObject
from lib.errors import GatewayError
from tests.scripted.steps import fails
from tests.support.asgi_client import Response
from tests.support.batches import Client, batch, content_of, error_of, lines_of, question, results_of, statuses
from tests.support.books import logged, spent_today
from tests.support.deployment import Deployment, deployed
from tests.support.ticks import next_tick


async def while_time_goes_on(site: Deployment, task: asyncio.Task[Response], seconds: float = 1.0) -> Response:
    """A response that waits for time to pass: a second whenever nothing else happens."""
    while not task.done():
        before = len(site.provider.requests), site.store.stats.requests, site.provider.in_flight
        for _ in range(50):
            await next_tick()
        if (len(site.provider.requests), site.store.stats.requests, site.provider.in_flight) == before and not before[
            2
        ]:
            site.clock.turn(seconds)
    return task.result()


async def test_every_item_is_answered_in_its_place_and_the_sum_is_told() -> None:
    async with deployed() as site:
        response = await Client.of(site.instance()).post(batch(7))
        results, body = results_of(response), response.json()
        assert [(r["index"], r["id"], content_of(r)) for r in results] == [
            (n, f"q{n}", f"echo: Question {n}") for n in range(7)
        ]
        assert (body["done"], body["total"], body["failed"], body["unfinished"]) == (7, 7, 0, 0)
        records = await logged(site)
        assert [record.kind for record in records] == ["call"] * 7
        assert body["cost"] == sum(record.cost_micro_usd for record in records) / 1e6


async def test_no_more_run_at_once_than_were_asked_for() -> None:
    async with deployed() as site:
        site.provider.hold()
        task = asyncio.create_task(Client.of(site.instance()).post(batch(8, concurrency=3)))
        await site.provider.until(lambda p: p.in_flight == 3)
        site.provider.release()
        assert statuses(results_of(await task)) == ["done"] * 8
        assert site.provider.peak == 3


async def test_a_failed_item_has_its_error_in_its_place_and_fails_no_other() -> None:
    async with deployed() as site:
        site.provider.script("gpt-4o-mini", [fails(400, "invalid_request_error", "no")])
        document: JsonObject = {"requests": [question(0, enableFallback=False), question(1)], "concurrency": 1}
        response = await Client.of(site.instance()).post(document)
        first, second = results_of(response)
        assert response.status == 200
        assert (error_of(first)["type"], error_of(first)["status"]) == ("invalid_request_error", 400)
        assert (second["status"], response.json()["failed"]) == ("done", 1)


async def test_a_wrong_item_is_named_before_any_is_run() -> None:
    async with deployed() as site:
        document = batch(5)
        requests = document["requests"]
        assert isinstance(requests, list)
        requests[3] = {"messages": [{"role": "wizard", "content": "Hi"}]}
        response = await Client.of(site.instance()).post(document)
        error = response.json()["error"]
        assert isinstance(error, dict)
        assert (response.status, error["param"]) == (400, "requests[3].messages[0].role")
        assert not site.provider.requests


async def test_progress_comes_line_by_line_as_items_end() -> None:
    async with deployed() as site:
        exchange = Client.of(site.instance()).exchange(batch(3, concurrency=1), accept="application/x-ndjson")
        response = await exchange.run()
        assert response.headers["content-type"].startswith("application/x-ndjson")
        first, *items, last = lines_of(response)
        assert (first["type"], first["done"], first["total"]) == ("progress", 0, 3)
        assert [(i["type"], i["done"], i["total"], content_of(i)) for i in items] == [
            ("item", n + 1, 3, f"echo: Question {n}") for n in range(3)
        ]
        costs = [cost for item in items if isinstance(cost := item["costSoFar"], float)]
        assert 0 < costs[0] < costs[1] < costs[2]
        assert (last["type"], last["done"], last["cost"]) == ("done", 3, costs[2])


async def test_progress_comes_as_events_too_and_in_silences() -> None:
    async with deployed() as site:
        site.provider.hold()
        exchange = Client.of(site.instance()).exchange(batch(1), accept="text/event-stream")
        task = asyncio.create_task(exchange.run())
        await site.provider.until(lambda p: p.in_flight == 1)
        site.clock.turn(10)
        while len(exchange.response.chunks) < 2:
            await next_tick()
        site.provider.release()
        text = (await task).body.decode()
        assert text.count('data: {"type":"progress","done":0') == 2
        assert text.endswith("data: [DONE]\n\n")
        assert exchange.response.headers["content-type"].startswith("text/event-stream")


async def test_a_client_that_hangs_up_ends_what_runs_and_the_rest_is_never_asked() -> None:
    async with deployed(TIER_DAILY_BUDGETS_USD="pro=100") as site:
        site.provider.hold()
        exchange = Client.of(site.instance()).exchange(batch(9, concurrency=2))
        task = asyncio.create_task(exchange.run())
        await site.provider.until(lambda p: p.in_flight == 2)
        exchange.hang_up()
        await task
        await site.provider.until(lambda p: p.in_flight == 0)
        assert len(site.provider.requests) == 2
        records = await logged(site)
        assert [record.kind for record in records] == ["hangup", "hangup"]
        assert await spent_today(site) == sum(record.cost_micro_usd for record in records)


async def test_items_wait_below_the_limit_and_nobody_is_locked_out() -> None:
    async with deployed() as site:
        here = site.instance()
        client = Client.of(here, tier="free")
        response = await while_time_goes_on(site, asyncio.create_task(client.post(batch(23))))
        assert statuses(results_of(response)) == ["done"] * 23
        records = await logged(site)
        assert {record.kind for record in records} == {"call"}
        times = sorted(record.at for record in records)
        assert all(later - earlier >= 60 for earlier, later in zip(times, times[10:], strict=False))
        assert times[-1] - times[0] < 300  # as long as a lockout


async def test_items_fail_at_once_where_that_is_wanted() -> None:
    async with deployed() as site:
        client = Client.of(site.instance(), tier="free")
        results = results_of(await client.post(batch(14, onLimit="fail")))
        assert statuses(results).count("done") == 10
        errors = [error_of(result) for result in results if result["status"] == "failed"]
        assert {(error["code"], error["status"]) for error in errors} == {("rate_limit_exceeded", 429)}
        assert len(site.provider.requests) == 10


async def test_what_does_not_get_its_turn_in_time_comes_back_unfinished() -> None:
    async with deployed() as site:
        client = Client.of(site.instance(), tier="free")
        for number in range(10):
            assert (await site.instance().chat(question(50 + number), x_user_tier="free")).status == 200
        locked = await site.instance().chat(question(99), x_user_tier="free")
        assert locked.status == 429  # for 300 s, longer than a function lives
        body = (await client.post(batch(3))).json()
        assert (body["done"], body["unfinished"]) == (0, 3)
        assert "durable" in str(body["hint"])
        streamed = lines_of(await client.post(batch(3, stream=True)))
        assert [line["status"] for line in streamed if line["type"] == "item"] == ["unfinished"] * 3


async def test_an_item_whose_time_is_cut_by_the_functions_end_has_not_failed() -> None:
    async with deployed() as site:
        here = site.instance()
        site.provider.hold()
        original = asyncio.create_task(here.chat(question(0)))
        await site.provider.until(lambda p: p.in_flight == 1)
        task = asyncio.create_task(Client.of(here).post(batch(1)))  # waits for its twin, and for its own end
        while not task.done():
            for _ in range(20):
                await next_tick()
            site.clock.turn(1.0)
        assert statuses(results_of(task.result())) == ["unfinished"]
        site.provider.release()
        assert (await original).status == 200


async def test_the_same_idempotency_key_replays_every_item() -> None:
    async with deployed() as site:
        client = Client.of(site.instance())
        first = results_of(await client.post(batch(3), idempotency_key="k1", cache_control="no-store"))
        again = results_of(await client.post(batch(3), idempotency_key="k1", cache_control="no-store"))
        assert [content_of(r) for r in again] == [content_of(r) for r in first]
        assert len(site.provider.requests) == 3


async def test_the_python_function_gives_answers_and_errors_in_the_order_of_the_jobs() -> None:
    async with deployed() as site:
        here = site.instance()
        site.provider.script("gpt-4o-mini", [fails(400, "invalid_request_error", "no")])
        now, caller = site.clock.now(), Caller("u1", "pro", CallerKind.USER)
        requests = [
            ChatRequest(
                model="gpt-4o-mini", messages=({"role": "user", "content": f"Question {n}"},), use_fallback=False
            )
            for n in range(4)
        ]
        jobs = [Job(f"r{n}", request, caller, now, now + 60) for n, request in enumerate(requests)]
        first, *others = await here.gateway.functions.batch_generate(jobs, concurrency=1)
        assert isinstance(first, GatewayError)
        assert [other.answer.text for other in others if isinstance(other, Done)] == [
            f"echo: Question {n}" for n in (1, 2, 3)
        ]
