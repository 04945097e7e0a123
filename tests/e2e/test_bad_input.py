"""Bad input is harmless: a corpus of malformed and hostile requests against the whole product, in this process."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final

import orjson
import pytest
from pydantic import AliasChoices, BaseModel

from lib.contract import Json
from lib.web.wire_model import CacheOptions, ChatBody, GatewayWish
from tests.corpus import fields, hostile, json_text, messages, requests, routing
from tests.corpus.case import CANARY, CHAT, Bad, Odd, numbered
from tests.support.asgi_client import Exchange, Response
from tests.support.asgi_transport import AsgiTransport
from tests.support.plain_provider import PlainProvider
from tests.support.sealed import TOKENS, Sealed, sealed

CORPUS: Final = tuple(
    numbered((*fields.cases(), *messages.cases(), *json_text.cases(), *requests.cases(), *routing.cases()))
)
HOSTILE: Final = tuple(hostile.cases())
KEYS: Final = {"OPENAI_API_KEY": "key-of-openai", "ANTHROPIC_API_KEY": "key-of-anthropic", "DEMO_PROVIDER": "off"}
LONGEST_ANSWER: Final = 4_096
USAGE_LOG: Final = "aig:ev:"
ERROR_FIELDS: Final = {"message", "type", "param", "code"}


def ident(case: Bad | Odd) -> str:
    return case.name.encode("ascii", "replace").decode()


@cache
def product() -> Sealed:
    """One for all of the corpus: nothing that is refused leaves a trace in it, or reaches one of its providers."""
    return sealed(**KEYS)


async def answer_to(case: Bad, site: Sealed) -> Response:
    headers: dict[str, str] = dict(case.headers)
    if case.token is not None:
        headers.setdefault("authorization", f"Bearer {TOKENS[case.token]}")
    app = site.app_at(case.path)
    return await Exchange(app, case.method, case.path, headers, case.pieces, case.query).run()


def error_in(response: Response) -> Mapping[str, Json]:
    error = response.json()["error"]
    assert isinstance(error, dict)
    return error


def test_the_corpus_is_large_and_every_case_has_a_name_of_its_own() -> None:
    assert len(CORPUS) >= 500
    assert len(HOSTILE) >= 50
    assert len({ident(case) for case in CORPUS}) == len(CORPUS)
    assert len({ident(case) for case in HOSTILE}) == len(HOSTILE)


@pytest.mark.parametrize(
    ("model", "rows", "elsewhere"),
    [
        (ChatBody, fields.WRONG, {"messages"}),
        (GatewayWish, fields.GATEWAY, set[str]()),
        (CacheOptions, fields.CACHE, set[str]()),
    ],
)
def test_every_field_of_the_body_has_its_wrong_values(
    model: type[BaseModel], rows: tuple[fields.Wrong, ...], elsewhere: set[str]
) -> None:
    tried = {name for row in rows for name in row.names}
    for name, info in model.model_fields.items():
        alias = info.validation_alias
        names = set(alias.choices) if isinstance(alias, AliasChoices) else {name}
        assert name in elsewhere or names & tried, name


@pytest.mark.parametrize("case", CORPUS, ids=ident)
async def test_a_bad_request_is_refused_by_field_and_leaves_no_trace(case: Bad) -> None:
    site = product()
    before = await site.keys()
    response = await answer_to(case, site)
    assert response.status == case.status
    assert response.complete
    error = error_in(response)
    assert error.keys() == ERROR_FIELDS
    assert error["param"] == case.param
    assert error["message"]
    head = repr(response.headers).encode()
    assert len(response.body) + len(head) <= LONGEST_ANSWER
    assert CANARY.encode() not in response.body + head
    written = await site.keys() - before
    assert not written or (case.counted and all(key.startswith(USAGE_LOG) for key in written))


@pytest.mark.parametrize("model", ["auto", "openai/gpt-4o", "anthropic/claude-sonnet-4-5"])
@pytest.mark.parametrize("case", HOSTILE, ids=ident)
async def test_a_hostile_chat_gets_an_answer_or_a_4xx(case: Odd, model: str) -> None:
    provider = PlainProvider()
    site = sealed(AsgiTransport(provider), **({} if model == "auto" else KEYS))
    headers = {**case.headers, "authorization": f"Bearer {TOKENS['service']}"}
    stream = model.startswith("openai")
    body = orjson.dumps({"model": model, "stream": stream, **case.document})
    response = await Exchange(site.app_at(CHAT), "POST", CHAT, headers, (body,)).run()
    assert response.complete
    assert response.status < 500, response.body[:300]
    assert all(value.isascii() and value.isprintable() for value in response.headers.values())
    assert set(provider.asked) <= {"api.openai.com/v1/chat/completions", "api.anthropic.com/v1/messages"}


async def test_a_body_beyond_the_limit_is_not_read_to_its_end() -> None:
    headers = {"authorization": f"Bearer {TOKENS['service']}"}
    exchange = Exchange(product().app_at(CHAT), "POST", CHAT, headers, (b" " * 1_000_000,) * 20)
    assert (await exchange.run()).status == 413
    assert len(exchange.unread) == 15
