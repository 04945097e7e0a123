"""GET /api/ai/stats and /api/ai/admin/requests on the whole product: who is told what, as JSON and as CSV."""

from __future__ import annotations

import csv
from io import StringIO

import pytest

from tests.scripted.steps import fails
from tests.support.asgi_client import Exchange, Response, request
from tests.support.asgi_transport import AsgiTransport
from tests.support.deployment import ADMIN, ASK, SERVICE, Instance, deployed
from tests.support.faulty_kv import Fault, FaultyKv


async def stats(here: Instance, query: str = "", token: str = ADMIN, **headers: str) -> Response:
    named = {"authorization": f"Bearer {token}"} | {name.replace("_", "-"): v for name, v in headers.items()}
    return await Exchange(here.app("stats"), "GET", "/api/ai/stats", named, query=query).run()


async def requests(here: Instance, query: str = "", token: str = ADMIN) -> Response:
    headers = {"authorization": f"Bearer {token}"}
    return await Exchange(here.app("admin"), "GET", "/api/ai/admin/requests", headers, query=query).run()


def param_of(response: Response) -> object:
    error = response.json()["error"]
    assert isinstance(error, dict)
    return error["param"]


async def test_users_are_told_their_own_usage_and_the_operator_everybodys() -> None:
    async with deployed() as site:
        here = site.instance()
        await here.chat()
        await here.chat(x_user_id="u2")
        await here.chat({**ASK, "temperature": 0.5}, x_user_id="u2")
        mine = (await stats(here, token=SERVICE, x_user_id="u2")).json()
        assert (mine["userId"], mine["totalRequests"]) == ("u2", 2)
        day = (await stats(here, "granularity=day", token=SERVICE, x_user_id="u2")).json()["total"]
        assert isinstance(day, dict)
        assert day["totalRequests"] == 2
        everybody = (await stats(here)).json()
        assert everybody["totalRequests"] == 3
        assert (await stats(here, "user=u1")).json()["totalRequests"] == 1


@pytest.mark.parametrize(
    "query", ["user=u1", "groupBy=user", "date=2026-11-24", "month=2026-11", "model=x", "compare=rollout"]
)
async def test_what_is_about_others_is_refused_to_users_by_name(query: str) -> None:
    async with deployed() as site:
        answer = await stats(site.instance(), query, token=SERVICE, x_user_id="u2")
        assert (answer.status, param_of(answer)) == (403, query.partition("=")[0])


async def test_callers_without_a_credential_are_told_nothing_even_where_they_may_chat() -> None:
    async with deployed(ALLOW_ANONYMOUS="on") as site:
        answer = await request(site.instance().app("stats"), path="/api/ai/stats")
        assert answer.status == 401


@pytest.mark.parametrize("query", ["format=xml", "from=x", "granularity=week", "limit=0", "groupBy=x"])
async def test_a_bad_parameter_is_named(query: str) -> None:
    async with deployed() as site:
        answer = await stats(site.instance(), query)
        assert (answer.status, param_of(answer)) == (400, query.partition("=")[0])


async def test_csv_has_the_figures_of_the_json() -> None:
    async with deployed() as site:
        here = site.instance()
        await here.chat()
        await here.chat({**ASK, "model": "claude-sonnet-4-5"})
        range_of = "granularity=day&groupBy=model&from=2026-11-20"
        rows, answer = (await stats(here, range_of)).json()["rows"], await stats(here, f"{range_of}&format=csv")
        assert answer.headers["content-type"].startswith("text/csv")
        assert answer.headers["content-disposition"] == 'attachment; filename="usage-20261120-20261124.csv"'
        lines = list(csv.DictReader(StringIO(answer.body.decode(), newline="")))
        assert isinstance(rows, list)
        assert len(lines) == len(rows) == 2
        for line, row in zip(lines, rows, strict=True):
            assert isinstance(row, dict)
            for name in ("period", "model", "totalRequests", "totalTokens", "totalCostMicroUsd"):
                assert line[name] == str(row[name])


async def test_a_store_that_does_not_answer_is_an_error_and_no_empty_table() -> None:
    async with deployed() as site:
        store = FaultyKv(site.store)
        store.always = Fault.DROP
        here = site.instance(kv_transport=AsgiTransport(store))
        answer = await stats(here, "format=csv")
        assert answer.status == 503


async def test_a_request_that_fell_back_shows_its_tries_and_its_routing() -> None:
    async with deployed() as site:
        here = site.instance()
        site.provider.script("gpt-4o", [fails(404, "model_not_found")])
        assert (await here.chat()).status == 200
        shown = (await requests(here, "limit=1")).json()["requests"]
        assert isinstance(shown, list)
        (event,) = shown
        assert isinstance(event, dict)
        tries = event["tries"]
        assert isinstance(tries, list)
        assert len(tries) == 2
        assert (event["fallback"], event["routing"], event["tier"]) == (True, "gpt-4o is openai/gpt-4o", "pro")
        assert "lease" not in str(event)


async def test_requests_are_for_the_operator_and_a_bad_mark_is_named() -> None:
    async with deployed() as site:
        here = site.instance()
        assert (await requests(here, token=SERVICE)).status == 403
        answer = await requests(here, "before=x")
        assert (answer.status, param_of(answer)) == (400, "before")
