"""The product calls the addresses of its settings and no other, whatever addresses a request or a provider names."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import orjson
import pytest

import lib
from tests.corpus.case import CHAT
from tests.support.asgi_client import Exchange, Response
from tests.support.asgi_transport import AsgiTransport
from tests.support.plain_provider import PlainProvider
from tests.support.sealed import TOKENS, sealed

ROOT: Final = Path(lib.__file__).parent
SENDERS: Final = {"ai/providers/exchange.py", "ai/embeddings/wire.py", "kv/pipeline.py", "web/proxy.py"}
"""The modules that make outgoing requests: to a provider's base URL, the store's, the old implementation's."""
CONFIGURED: Final = {
    "openai/gpt-4o": "models.example/v9/chat/completions",
    "anthropic/claude-sonnet-4-5": "claude.example/messages",
}
INSIDE: Final = (
    *("http://127.0.0.1:6379/", "http://localhost/", "http://[::1]/", "http://0.0.0.0/", "http://10.0.0.1/a.png"),
    *(
        "http://169.254.169.254/latest/meta-data/",
        "http://metadata.google.internal/",
        "http://192.168.1.1/",
        "http://2130706433/",
    ),
    *(
        "http://0x7f.1/",
        "http://017700000001/",
        "http://[::ffff:127.0.0.1]/",
        "https://kv.test/",
        "http://a@127.0.0.1/",
        "http://①②⑦.⓪.⓪.①/",
    ),
)
"""Addresses of the inside of a network, as attackers spell them."""


async def asked_of(provider: PlainProvider, document: Mapping[str, object]) -> Response:
    site = sealed(
        AsgiTransport(provider),
        DEMO_PROVIDER="off",
        RETRY_MAX_ATTEMPTS="1",
        OPENAI_API_KEY="key-of-openai",
        OPENAI_BASE_URL="https://models.example/v9/",
        ANTHROPIC_API_KEY="key-of-anthropic",
        ANTHROPIC_BASE_URL="http://claude.example",
    )
    headers = {"authorization": f"Bearer {TOKENS['service']}"}
    return await Exchange(site.app_at(CHAT), "POST", CHAT, headers, (orjson.dumps(document),)).run()


def test_requests_are_made_in_known_places_only() -> None:
    makers: set[str] = set()
    for file in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "HttpRequest":
                makers.add(str(file.relative_to(ROOT)))
    assert makers == SENDERS


@pytest.mark.parametrize("model", CONFIGURED)
@pytest.mark.parametrize("url", INSIDE)
async def test_an_image_s_address_goes_to_the_provider_as_it_is_and_is_not_called(url: str, model: str) -> None:
    provider = PlainProvider()
    image = {"type": "image_url", "image_url": {"url": url}}
    response = await asked_of(provider, {"model": model, "messages": [{"role": "user", "content": [image]}]})
    assert response.status == 200
    assert provider.asked == [CONFIGURED[model]]
    assert orjson.dumps(url) in provider.bodies[0]


@pytest.mark.parametrize(
    "name", ["base_url", "baseUrl", "api_base", "apiBase", "endpoint", "url", "host", "proxy", "webhook"]
)
@pytest.mark.parametrize("model", CONFIGURED)
async def test_an_address_in_a_field_is_not_called(name: str, model: str) -> None:
    provider = PlainProvider()
    document = {"model": model, "messages": [{"role": "user", "content": "hi"}], name: "http://127.0.0.1:6379/"}
    await asked_of(provider, document)
    assert provider.asked == [CONFIGURED[model]]


@pytest.mark.parametrize("name", ["base_url", "baseURL", "url", "endpoint"])
async def test_an_address_among_the_gateway_s_options_is_refused(name: str) -> None:
    provider = PlainProvider()
    wish = {"gateway": {name: "http://127.0.0.1:6379/"}}
    response = await asked_of(provider, {"messages": [{"role": "user", "content": "hi"}], **wish})
    assert (response.status, provider.asked) == (400, [])


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_provider_cannot_send_the_product_elsewhere(status: int) -> None:
    provider = PlainProvider(status=status, adds={"location": "http://169.254.169.254/latest/meta-data/"})
    document = {"model": "openai/gpt-4o", "messages": [{"role": "user", "content": "hi"}], "enableFallback": False}
    response = await asked_of(provider, document)
    assert response.status == 502
    assert set(provider.asked) == {CONFIGURED["openai/gpt-4o"]}
    assert b"169.254" not in response.body
