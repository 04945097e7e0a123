"""What browsers are told: which origins may read an answer, and what no answer may be taken for."""

from __future__ import annotations

from typing import Final

import pytest

from tests.support.auth_matrix import ROWS, UNKNOWN, Row, Who
from tests.support.guarded_site import GuardedSite, guarded

OURS: Final = "https://app.example.com"
ALLOWED: Final = f"{OURS},http://localhost:3000"
STRANGERS: Final = (
    "https://evil.example",
    "https://app.example.com.evil.example",
    "http://app.example.com",
    "https://app.example.com:8443",
    "https://APP.example.com",
    "null",
)
SDK_HEADERS: Final = "authorization, content-type, x-stainless-os, anthropic-version, x-some-new-header"
PAGES: Final = ("/", "/dashboard", "/dashboard.js", "/nothing-here")


async def preflight(site: GuardedSite, row: Row, origin: str) -> dict[str, str]:
    asked = {"access-control-request-method": row.method, "access-control-request-headers": SDK_HEADERS}
    response = await site.call("OPTIONS", row.request("x")[0], {**asked, "origin": origin})
    assert response.status == 204
    assert response.body == b""
    return response.headers


def names_in(value: str) -> set[str]:
    return {name.strip() for name in value.split(",")}


@pytest.mark.parametrize("origin", ALLOWED.split(","))
async def test_an_allowed_origin_may_use_every_method_of_every_route_with_the_headers_it_asks_for(origin: str) -> None:
    async with guarded(CORS_ORIGINS=ALLOWED) as site:
        for row in (row for row in ROWS if row.sign is None):
            headers = await preflight(site, row, origin)
            assert headers["access-control-allow-origin"] == origin, row.name
            assert row.method in names_in(headers["access-control-allow-methods"]), row.name
            allowed = names_in(headers["access-control-allow-headers"])
            assert allowed >= names_in(SDK_HEADERS) | {"x-api-key", "idempotency-key"}, row.name
            assert "Origin" in headers["vary"]


@pytest.mark.parametrize("origin", STRANGERS)
async def test_another_origin_is_told_nothing_before_or_after(origin: str) -> None:
    async with guarded(CORS_ORIGINS=ALLOWED) as site:
        admin = (await site.credentials())[Who.ADMIN]
        for row in ROWS:
            path, body = row.request("x")
            answers = [await preflight(site, row, origin)]
            answers += [(await site.call(row.method, path, {**admin, "origin": origin}, body)).headers]
            for headers in answers:
                assert not [name for name in headers if name.startswith("access-control-")], row.name


async def test_an_allowed_origin_reads_answers_and_errors_alike() -> None:
    async with guarded(CORS_ORIGINS=ALLOWED) as site:
        credentials = await site.credentials()
        for row in (row for row in ROWS if row.sign is None):
            path, body = row.request("x")
            for who in (Who.ADMIN, Who.NOBODY):
                headers = (await site.call(row.method, path, {**credentials[who], "origin": OURS}, body)).headers
                assert headers["access-control-allow-origin"] == OURS, row.name
                assert names_in(headers["access-control-expose-headers"]) >= {"x-request-id", "retry-after"}, row.name


@pytest.mark.parametrize("origins", ["", ALLOWED, "*"])
async def test_no_origin_is_ever_allowed_credentials_of_its_own(origins: str) -> None:
    async with guarded(CORS_ORIGINS=origins) as site:
        for row in ROWS:
            headers = await preflight(site, row, OURS)
            assert "access-control-allow-credentials" not in headers
            assert headers.get("access-control-allow-origin") in {None, OURS, "*"}


async def test_what_a_preflight_asks_for_is_repeated_only_as_names_and_within_bounds() -> None:
    async with guarded(CORS_ORIGINS=OURS) as site:
        for wish in ("x-a\r\nset-cookie: b", "x" * 3_000, "<script>", "é"):
            asked = {"origin": OURS, "access-control-request-headers": wish}
            headers = (await site.call("OPTIONS", "/api/ai/v2/chat", asked)).headers
            assert set(headers["access-control-allow-headers"]) <= set("abcdefghijklmnopqrstuvwxyz0123456789-, ")
            assert len(headers["access-control-allow-headers"]) < 2_500


async def test_no_answer_of_the_api_is_taken_for_another_type_than_it_says() -> None:
    async with guarded() as site:
        for row in ROWS:
            path, body = row.request("x")
            for method in (row.method, "OPTIONS", "TRACE"):
                headers = (await site.call(method, path, {}, body)).headers
                assert headers["x-content-type-options"] == "nosniff", (method, row.name)
        for path in (path for path in UNKNOWN if path.startswith(("/api/ai/v1", "/api/ai/admin", "/api/ai/hooks"))):
            assert (await site.call("GET", path, {})).headers["x-content-type-options"] == "nosniff", path


@pytest.mark.parametrize("path", PAGES)
async def test_pages_carry_their_security_headers(path: str) -> None:
    async with guarded() as site:
        headers = (await site.call("GET", path, {})).headers
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert "camera=()" in headers["permissions-policy"]
        assert "set-cookie" not in headers
