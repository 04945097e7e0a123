"""An answer is kept together with the record of its request, which tells where it is; or with a note of its own."""

from __future__ import annotations

from lib.contract import JsonObject
from tests.support.asgi_client import Exchange, Response
from tests.support.asgi_transport import AsgiTransport
from tests.support.deployment import ADMIN, ASK, Deployment, Instance, deployed
from tests.support.faulty_kv import FaultyKv, Refuses
from tests.support.traces import contents

LONG = {"CACHE_TTL_FACTUAL_SECONDS": "1000000", "CACHE_TTL_GENERAL_SECONDS": "1000000", "USAGE_LOG_DAYS": "2"}


async def deleted(here: Instance) -> Response:
    headers = {"authorization": f"Bearer {ADMIN}"}
    return await Exchange(here.app("users"), "DELETE", "/api/ai/users/u1/data", headers).run()


async def names(site: Deployment, letters: str) -> list[str]:
    return [name for name in await contents(site) if f":{letters}:" in name]


async def test_an_answer_needs_no_note_where_its_record_outlives_it_and_goes_with_its_user() -> None:
    async with deployed() as site:
        here = site.instance()
        assert (await here.chat()).status == 200
        assert await names(site, "ix") == []
        assert (len(await names(site, "c1")), len(await names(site, "d1"))) == (1, 1)
        receipt = (await deleted(here)).json()["deleted"]
        assert isinstance(receipt, dict)
        assert (receipt["answers"], receipt["results"]) == (1, 1)
        assert (await names(site, "c1"), await names(site, "d1")) == ([], [])


async def test_one_that_outlives_its_record_is_noted_and_goes_as_well() -> None:
    async with deployed(**LONG) as site:
        here = site.instance()
        assert (await here.chat()).status == 200
        assert len(await names(site, "ix")) == 1
        assert (await deleted(here)).status == 200
        assert (await names(site, "c1"), await names(site, "d1"), await names(site, "ix")) == ([], [], [])


async def test_a_hit_tells_of_another_requests_answer_and_takes_nothing_with_it() -> None:
    async with deployed(CACHE_SCOPE="shared") as site:
        here = site.instance()
        assert (await here.chat(x_user_id="u2")).headers["x-cache"] == "MISS"
        assert (await here.chat()).headers["x-cache"] == "HIT (exact)"
        assert (await deleted(here)).status == 200
        assert len(await names(site, "c1")) == 1
        assert (await here.chat(x_user_id="u3")).headers["x-cache"] == "HIT (exact)"


async def test_a_record_the_store_refuses_takes_its_texts_along_and_the_claim_ends_with_the_next_write() -> None:
    async with deployed() as site:
        store = FaultyKv(site.store)
        here = site.instance(kv_transport=AsgiTransport(store))
        store.always = Refuses("EVAL", "nameless")
        assert (await here.chat()).status == 200
        store.always = None
        assert await names(site, "c1") == []
        other: JsonObject = {**ASK, "messages": [{"role": "user", "content": "Something else?"}]}
        assert (await here.chat(other)).status == 200
        again = await here.chat()
        assert (again.status, again.json()["cached"]) == (200, "duplicate")
        usage = await here.usage()
        assert usage["totalRequests"] == 3
