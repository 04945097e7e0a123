"""Every endpoint, as the routes and vercel.json have it, called with every kind of credential."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.asgi_client import Response
from tests.support.auth_matrix import ROWS, UNKNOWN, Row, Who, with_table
from tests.support.guarded_site import SECRETS, GuardedSite, guarded, path_of

ROOT = Path(__file__).resolve().parent.parent.parent


async def called(site: GuardedSite, row: Row, headers: Mapping[str, str], *, sign: bool = False) -> Response:
    path, body = row.request(await row.about(site) if row.about else "")
    sent = {**headers, **row.sign(body)} if sign and row.sign else headers
    return await site.call(row.method, path, sent, body)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
async def test_an_endpoint_answers_each_kind_of_caller_as_the_matrix_says(row: Row) -> None:
    async with guarded() as site:
        open_site = GuardedSite(site.place, {"ALLOW_ANONYMOUS": "1"})
        seen: dict[Who, int] = {}
        for who, headers in (await site.credentials()).items():
            here = open_site if who is Who.ANONYMOUS else site
            seen[who] = (await called(here, row, headers, sign=who is Who.SIGNED)).status
        assert seen == {**row.statuses}


async def test_every_endpoint_has_its_row_and_no_row_is_of_an_endpoint_that_is_gone() -> None:
    async with guarded() as site:
        there: set[str] = set()
        for route in site.routes():
            asked = (f"{route.path}/x" if route.below else route.path).replace("*", "x")
            there |= {f"{method} {path_of(route)}" for method in await site.methods(asked)}
    assert there == {row.name for row in ROWS}
    assert len(ROWS) == len(there)


async def test_where_a_secret_is_not_set_its_endpoints_are_closed_to_everyone() -> None:
    unset = dict.fromkeys((*SECRETS, "GATEWAY_ADMIN_TOKEN", "GATEWAY_SERVICE_TOKEN"), "") | {"ALLOW_ANONYMOUS": "0"}
    async with guarded() as site:
        bare = GuardedSite(site.place, unset)
        tokens = [{"authorization": f"Bearer{token}"} for token in ("", " ", " None", " null", " undefined")]
        for row in ROWS:
            path, body = row.request("0" * 16)
            for headers in ({}, *tokens):
                response = await bare.call(row.method, path, headers, body)
                open_to_all = row.statuses[Who.NOBODY] < 400
                assert response.status in ((200,) if open_to_all else (401, 404)), (row.name, headers)


@pytest.mark.parametrize("path", UNKNOWN)
async def test_what_is_not_there_is_denied_to_all_alike_and_gives_no_hint(path: str) -> None:
    async with guarded() as site:
        answers: set[tuple[int, bytes]] = set()
        for headers in (await site.credentials()).values():
            for method in ("GET", "POST", "DELETE"):
                response = await site.call(method, path, headers)
                answers.add((response.status, response.body.partition(b'"request_id"')[0]))
        assert {status for status, _ in answers} <= {404, 405}
        assert len(answers) <= 2
        assert not any(word in body.lower() for _, body in answers for word in (b"token", b"key", b"admin", b"secret"))


async def test_a_cookie_opens_nothing_and_no_answer_sets_one() -> None:
    async with guarded() as site:
        credentials = await site.credentials()
        for row in ROWS:
            token = credentials[Who.ADMIN]["authorization"].partition(" ")[2]
            cookie = {"cookie": f"authorization=Bearer {token}; token={token}; session={token}"}
            answers = [await called(site, row, headers) for headers in (cookie, credentials[Who.ADMIN])]
            assert answers[0].status == row.statuses[Who.NOBODY], row.name
            assert not any("set-cookie" in answer.headers for answer in answers), row.name


def test_the_page_about_access_shows_this_matrix() -> None:
    page = (ROOT / "docs/access.md").read_text(encoding="utf-8")
    assert with_table(page) == page, "run python -m scripts.access_table"
