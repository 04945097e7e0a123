"""No secret leaves the process but to whom it is for: not in answers, log lines, stored values or anything's repr."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Final

import orjson
import pytest

from lib.access.credentials import Credentials
from lib.access.jwt_tokens import jwt_authenticator
from lib.access.stripe_events import StripeRules
from lib.ai.providers.base import ProviderCall
from lib.ai.providers.exchange import json_request
from lib.catalog import Catalog
from lib.contract import Caller, CallerKind, ChatRequest, Job, Json, JsonObject
from lib.errors import SettingsError
from lib.settings import Settings
from lib.transport import Timeouts
from lib.web.access import AccessRules, SharedSecret
from tests.corpus.case import CHAT, STATS, chat
from tests.corpus.requests import CREDENTIALS
from tests.support.asgi_client import Exchange, Response
from tests.support.asgi_transport import AsgiTransport
from tests.support.fake_store import FakeStore
from tests.support.plain_provider import PlainProvider
from tests.support.sealed import Sealed, sealed
from tests.support.tokens import AUDIENCE, ISSUER, SharedSigner

SECRETS: Final = {
    "GATEWAY_SERVICE_TOKEN": "service-canary-4c1e77aa",
    "GATEWAY_ADMIN_TOKEN": "admin-canary-90b2c3dd",
    "CRON_SECRET": "cron-canary-55aa01fe",
    "GATEWAY_HASH_SECRET": "hash-canary-7d3e9b10",
    "OPENAI_API_KEY": "sk-proj-openai-canary-f00d",
    "ANTHROPIC_API_KEY": "odd.key~of+no.known~shape",
    "JWT_SECRET": "jwt-canary-of-more-than-32-bytes-6a0f",
    "STRIPE_WEBHOOK_SECRET": "whsec_stripe_canary_81d2",
    "SUPABASE_SERVICE_ROLE_KEY": "sb_secret_canary_77c0aa",
    "ENCRYPTION_KEYS": "encryption-canary-of-32-characters-93be",
    "RESEND_API_KEY": "re_canary_41fa77d0",
    "ALERT_WEBHOOK_SECRET": "alert-canary-of-24-bytes-c5d1",
    "ALERT_WEBHOOK_URL": "https://127.0.0.1:9/alert-hook-canary-08b7",
    "ALERT_SLACK_WEBHOOK_URL": "https://127.0.0.1:9/slack-hook-canary-1e22",
}
MAIL_PASSWORD: Final = "mail-canary-6b90e4"
SETTINGS: Final = {
    **SECRETS,
    "SMTP_URL": f"smtps://mailer:{MAIL_PASSWORD}@127.0.0.1:9",
    "JWT_ISSUER": ISSUER,
    "JWT_AUDIENCE": AUDIENCE,
    "BYOK_ALLOWED_TIERS": "free",
}
TOKEN: Final = SharedSigner(SECRETS["JWT_SECRET"]).token()
OWN_KEY: Final = "own.key~canary+of~a~caller-31fe"
READ_PATHS: Final = ("/api/ai/health", "/api/ai/stats", "/api/ai/stats/nothing")
CALLER: Final = Caller("u", "free", CallerKind.USER)
LAST: Final = 10
"""So many characters of a secret's end are no more to be seen than all of it."""
STORE_TOKEN: Final = "store-token"
KEY: Final = "{key}"
REPEATED: Final[tuple[tuple[str, int, bytes], ...]] = (
    ("answer", 200, b""),
    *(
        (f"error-{status}", status, orjson.dumps({"error": {"message": f"Bad key: {KEY}", "type": "x", "code": KEY}}))
        for status in (400, 401, 402, 403, 404, 422, 429, 500, 503, 529)
    ),
    ("error-param", 400, orjson.dumps({"error": {"message": "no", "param": KEY, "type": KEY}})),
    ("error-in-answer", 200, orjson.dumps({"error": {"message": f"Bearer {KEY}", "code": 401}})),
    ("error-in-answer-after-much", 200, orjson.dumps({"error": {"message": "x" * 290 + KEY}})),
    ("error-in-stream", 200, b'data: {"error":{"message":"%s{key}"}}\n\n' % (b"x" * 290)),
    ("page", 502, f"<html>{KEY}</html>".encode()),
    ("page-as-answer", 200, f"<html>{KEY}</html>".encode()),
    ("text", 500, KEY.encode()),
    ("no-json", 200, f'{{"{KEY}'.encode()),
    ("strange-reason", 200, orjson.dumps({"choices": [{"message": {"content": "x"}, "finish_reason": KEY}]})),
)
"""What a provider may say that repeats the keys it was sent."""


def repeating(says: bytes, status: int) -> tuple[Sealed, PlainProvider]:
    streams = says.startswith(b"data:")
    adds = {"content-type": "text/event-stream"} if streams else dict[str, str]()
    provider = PlainProvider(status=status, says=says or None, adds=adds)
    return sealed(AsgiTransport(provider), **SETTINGS, DEMO_PROVIDER="off", RETRY_MAX_ATTEMPTS="1"), provider


async def ask(site: Sealed, path: str, token: str | None, body: Json = None, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if token is not None:
        named["authorization"] = f"Bearer {token}"
    method = "GET" if body is None else "POST"
    return await Exchange(site.app_at(path), method, path, named, (orjson.dumps(body),)).run()


def chats() -> Iterator[JsonObject]:
    message: JsonObject = {"role": "user", "content": "hello"}
    for model in ("openai/gpt-4o", "anthropic/claude-sonnet-4-5"):
        for stream in (False, True):
            yield {"messages": [message], "model": model, "stream": stream}
    yield {"messages": [{"role": "user", "parts": [{"type": "text", "text": "hi"}]}], "model": "openai/gpt-4o"}
    yield {"messages": [message], "model": "openai/none"}
    yield {"messages": 5}


async def everything(site: Sealed) -> list[Response]:
    """One request of each kind, with right, wrong and no credentials."""
    service, admin = SECRETS["GATEWAY_SERVICE_TOKEN"], SECRETS["GATEWAY_ADMIN_TOKEN"]
    answers = [await ask(site, "/api/ai/v2/chat", service, chat) for chat in chats()]
    answers += [await ask(site, "/api/ai/v2/chat", TOKEN, chat, x_provider_key_openai=OWN_KEY) for chat in chats()]
    for token in (service, admin, service[:-1], admin + "x", STORE_TOKEN, TOKEN, TOKEN[:-3] + "AAA", None):
        answers.append(await ask(site, "/api/ai/v2/chat", token, {"messages": []}))
        answers += [await ask(site, path, token) for path in READ_PATHS]
    answers.append(await ask(site, "/api/ai/v2/chat", service, {"messages": []}, idempotency_key=service + " "))
    return answers


@pytest.mark.parametrize(("name", "status", "says"), REPEATED, ids=[row[0] for row in REPEATED])
async def test_secrets_are_in_no_answer_no_log_line_and_no_stored_value(
    name: str, status: int, says: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    site, provider = repeating(says, status)
    answers = await everything(site)
    stored = await FakeStore(site.store).contents()
    seen = [
        *(repr(answer.headers) + answer.body.decode() for answer in answers),
        *(f"{record.getMessage()} {record.exc_text} {record.args!r}" for record in caplog.records),
        repr(stored),
    ]
    assert any(SECRETS["OPENAI_API_KEY"] in repr(headers) for headers in provider.headers), "the key was used"
    assert any(OWN_KEY in repr(headers) for headers in provider.headers), "the caller's key was used"
    assert stored
    hidden = (*SECRETS.values(), TOKEN, OWN_KEY, MAIL_PASSWORD)
    for part in (STORE_TOKEN, *hidden, *(secret[-LAST:] for secret in hidden)):
        assert not any(part in text for text in seen), [text for text in seen if part in text]


def provider_call(key: str) -> ProviderCall:
    catalog = Catalog.build()
    request = ChatRequest(model="m", messages=())
    return ProviderCall(catalog.model("openai/gpt-4o"), catalog.provider("openai"), key, request, Timeouts(), "req")


def test_nothing_shows_a_secret_in_its_repr() -> None:
    site = sealed(**SETTINGS)
    gateway = site.site.gateway
    shown = [
        repr(Settings.from_env(SETTINGS)),
        repr(site.site.access),
        repr(vars(site.site.access)),
        repr(jwt_authenticator(gateway.settings.jwt, {}, frozenset(), gateway.world.side_calls, gateway.world.clock)),
        repr(StripeRules(secret=SECRETS["STRIPE_WEBHOOK_SECRET"])),
        repr(Job("req", ChatRequest(model="m", messages=()), CALLER, 0.0, 0.0, {"openai": OWN_KEY})),
        repr(gateway.settings),
        repr(gateway.world),
        repr(gateway.lines),
        repr(vars(gateway)),
        repr(AccessRules(service_token=SECRETS["GATEWAY_SERVICE_TOKEN"], admin_token=SECRETS["GATEWAY_ADMIN_TOKEN"])),
        repr(SharedSecret(CallerKind.ADMIN, SECRETS["GATEWAY_ADMIN_TOKEN"])),
        repr(Credentials(SECRETS["GATEWAY_SERVICE_TOKEN"], None)),
        repr(json_request(provider_call(SECRETS["OPENAI_API_KEY"]), "/", {"x-api-key": SECRETS["OPENAI_API_KEY"]}, {})),
        repr(provider_call(SECRETS["OPENAI_API_KEY"])),
        repr(gateway.store),
    ]
    for secret in (*SECRETS.values(), STORE_TOKEN, OWN_KEY, MAIL_PASSWORD):
        assert not any(secret in text for text in shown), secret


@pytest.mark.parametrize(
    "variable", ["KV_TIMEOUT_SECONDS", "TIER_LIMITS", "GATEWAY_ENV", "CACHE_SCOPE", "PRICE_CEILING", "BASELINE_MODEL"]
)
def test_a_secret_put_into_the_wrong_variable_is_not_repeated(variable: str) -> None:
    for secret in SECRETS.values():
        with pytest.raises(SettingsError, match=variable) as caught:
            sealed(**SETTINGS, **{variable: secret})
        assert secret not in str(caught.value)


@pytest.mark.parametrize("credential", CREDENTIALS, ids=range(len(CREDENTIALS)))
async def test_a_secret_that_is_not_set_lets_nobody_in(credential: str) -> None:
    site = sealed(GATEWAY_SERVICE_TOKEN="", GATEWAY_ADMIN_TOKEN=" ")
    for path, method in ((CHAT, "POST"), (STATS, "GET")):
        body = chat() if method == "POST" else b""
        response = await Exchange(site.app_at(path), method, path, {"authorization": credential}, (body,)).run()
        assert response.status == 401
