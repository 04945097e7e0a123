"""POST /api/ai/feedback: a user's vote on one of their own answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from lib.contract import JsonObject
from lib.errors import Overloaded, StoreError
from lib.web.access import Access, Claim
from lib.web.asgi import Call
from lib.web.json_route import Reply
from lib.web.simple_window import SimpleWindow
from lib.web.validation import invalid


class FeedbackBody(BaseModel):
    """What is posted, in camelCase or snake_case. `userId` counts only from those who may speak for others."""

    model_config = ConfigDict(
        strict=True, extra="forbid", alias_generator=to_camel, validate_by_name=True, validate_by_alias=True
    )

    request_id: str = Field(pattern=r"^[A-Za-z0-9_-]{1,80}$")
    """As in the header `x-request-id`, or an answer's id that holds it (`chatcmpl-req_…`)."""
    rating: Literal["up", "down", "regenerate"]
    reason: str = Field(default="", max_length=1_000)
    wrong_cache_hit: bool = False
    """The answer came from the cache and belongs to another question: its entry is removed."""
    user_id: str | None = Field(
        default=None, min_length=1, max_length=256, validation_alias=AliasChoices("userId", "user_id")
    )


class Votes(Protocol):
    """What the route asks."""

    async def give(
        self, user_id: str, request_id: str, rating: str, *, reason: str = "", wrong_cache_hit: bool = False
    ) -> JsonObject:
        """Count a vote."""
        ...


@dataclass(frozen=True, slots=True)
class FeedbackRoute:
    """For callers, within a window of their own."""

    votes: Votes
    access: Access
    window: SimpleWindow

    async def __call__(self, call: Call) -> Reply:
        """What became of the vote.

        Raises InvalidRequest, NotFound for a request that is not the caller's, RateLimited, Overloaded.
        """
        caller = await self.access.recognise(call.headers, peer=call.peer)
        try:
            posted = FeedbackBody.model_validate_json(await call.body())
        except ValidationError as error:
            raise invalid(error) from None
        user_id = self.access.on_behalf(caller, Claim(posted.user_id)).user_id
        try:
            await self.window.enter(user_id)
            return Reply(
                await self.votes.give(
                    user_id,
                    posted.request_id[posted.request_id.find("req_") :],
                    posted.rating,
                    reason=posted.reason,
                    wrong_cache_hit=posted.wrong_cache_hit,
                )
            )
        except StoreError as error:
            message = "feedback cannot be taken at the moment: the store does not answer"
            raise Overloaded(message, retry_after=5.0, detail=str(error)) from error
