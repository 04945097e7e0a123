"""Anthropic's messages API: /api/ai/v1/messages, for any model of the catalogue.

What other models have no word for (`thinking`, `top_k`, marks for the prompt cache, signatures) reaches Anthropic's
untouched and nobody else; the answer says in `x-ai-dropped-params` what was left out.
"""

from __future__ import annotations

from typing import cast

import orjson

from lib.answer import Done
from lib.catalog import Catalog
from lib.clock import Clock
from lib.contract import Job
from lib.errors import GatewayError
from lib.messages import estimate_input_tokens
from lib.web.access import Access, Claim
from lib.web.anthropic_body import parsed, prompt_of, request_of
from lib.web.anthropic_model import CountBody, MessagesBody
from lib.web.asgi import AsgiApp, AsgiMessage, Call, Headers, RawHeader, Receive, Scope, Send
from lib.web.encode_anthropic import AnthropicEncoder, error_object, message
from lib.web.encoders import StreamEncoder
from lib.web.json_route import Reply
from lib.web.openai_surface import check_known
from lib.web.surface import Posted


class AnthropicSurface:
    """Implements `surface.Surface`."""

    def __init__(self, catalog: Catalog, clock: Clock) -> None:
        self._catalog = catalog
        self._clock = clock

    def read(self, body: bytes, headers: Headers, default_model: str) -> Posted:
        """As `Surface.read`; NotFound (`model_not_found`) for a model that is not known."""
        posted = parsed(MessagesBody, body)
        request = request_of(posted, headers, default_model)
        check_known(request.model, self._catalog, self._clock.now())

        def stream(job: Job) -> StreamEncoder:
            return AnthropicEncoder(request_id=job.request_id, input_tokens=estimate_input_tokens(job.request))

        named = posted.gateway.user if posted.gateway else None
        user = named or (posted.metadata.user_id if posted.metadata else None)
        return Posted(request=request, claim=Claim(user or None), stream=stream if posted.stream else None)

    def whole(self, done: Done, job: Job) -> bytes:
        """A `message` object."""
        return orjson.dumps(message(done, job.request_id))

    def error(self, error: GatewayError, request_id: str) -> bytes:
        """Anthropic's shape."""
        return error_object(error, request_id)


class TokenCount:
    """POST /api/ai/v1/messages/count_tokens: how many tokens a prompt will be, by the product's own estimate."""

    def __init__(self, access: Access) -> None:
        self._access = access

    async def __call__(self, call: Call) -> Reply:
        """Raises AuthenticationFailed, InvalidRequest."""
        await self._access.recognise(call.headers, peer=call.peer)
        prompt = prompt_of(parsed(CountBody, await call.body()))
        return Reply({"input_tokens": estimate_input_tokens(prompt), "estimated": True})


class WithRequestId:
    """An app whose responses name their id in `request-id` as well, where Anthropic's clients look for it."""

    def __init__(self, app: AsgiApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def named(event: AsgiMessage) -> None:
            if event["type"] == "http.response.start":
                headers = cast("list[RawHeader]", event["headers"])
                again = [(b"request-id", value) for name, value in headers if name == b"x-request-id"]
                event = {**event, "headers": [*headers, *again]}
            await send(event)

        await self._app(scope, receive, named)
