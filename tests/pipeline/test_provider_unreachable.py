"""A provider that cannot be reached: no listener, no TLS, no such name. Another one answers, or the error says so."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Final, TypeAlias

import pytest

from lib.contract import JsonObject
from tests.support.deployment import Deployment, deployed
from tests.support.surfaces import Surface, shown

Address: TypeAlias = Callable[[Deployment], str]
ASKED: Final[tuple[JsonObject, JsonObject]] = (
    {"model": "gpt-4o", "gateway": {"models": ["claude-sonnet-5-5"]}},
    {"model": "claude-sonnet-5-5", "gateway": {"models": ["gpt-4o"]}},
)
OTHERS: Final = {"gpt-4o": "claude-sonnet-5-5", "claude-sonnet-5-5": "gpt-4o"}
VARIABLES: Final = {"gpt-4o": "OPENAI_BASE_URL", "claude-sonnet-5-5": "ANTHROPIC_BASE_URL"}


def closed_port(_: Deployment) -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/v1"


def no_tls(site: Deployment) -> str:
    return site.provider.base_url.replace("http:", "https:")


def no_such_name(_: Deployment) -> str:
    return "http://provider.invalid/v1"


@pytest.mark.parametrize("address", [closed_port, no_tls, no_such_name])
@pytest.mark.parametrize("surface", Surface)
@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: str(asked["model"]))
async def test_another_provider_answers(address: Address, surface: Surface, asked: JsonObject) -> None:
    async with deployed(RETRY_MAX_ATTEMPTS="2") as site:
        model = str(asked["model"])
        site.env[VARIABLES[model]] = address(site)
        document: JsonObject = {**asked, "messages": [{"role": "user", "content": "Hello?"}]}
        response = await site.instance().chat(surface.asking(document), **surface.headers)
        seen = shown(surface, response.status, response.body)
        assert (seen.text, seen.outcomes) == ("echo: Hello?", ["connect", "connect", "ok"])
        assert [r.model for r in site.provider.requests] == [OTHERS[model]]


@pytest.mark.parametrize("address", [closed_port, no_tls, no_such_name])
@pytest.mark.parametrize("surface", Surface)
async def test_when_no_provider_can_be_reached_the_error_says_so(address: Address, surface: Surface) -> None:
    async with deployed(RETRY_MAX_ATTEMPTS="2") as site:
        site.env.update(dict.fromkeys(VARIABLES.values(), address(site)))
        document: JsonObject = {**ASKED[0], "messages": [{"role": "user", "content": "Hello?"}]}
        response = await site.instance().chat(surface.asking(document), **surface.headers)
        seen = shown(surface, response.status, response.body)
        assert response.status == 503
        assert seen.error is not None
        assert seen.error["code"] == "upstream_failed"
        assert "connect" in str(seen.error["message"])
        assert "127.0.0.1" not in str(seen.error), "where providers are is the operator's business"
        assert not site.provider.requests
