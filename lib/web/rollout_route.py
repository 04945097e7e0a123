"""/api/chat: the old route. Some users are answered by this product, the others by what was there before.

And GET and PUT /api/ai/admin/rollout, which show and set how many.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from lib.clock import Clock
from lib.contract import Arm, JsonObject
from lib.errors import InvalidRequest, Overloaded, RequestTooLarge, StoreError
from lib.forwarding import Forwarded
from lib.web.access import NOBODY, Access
from lib.web.asgi import Call
from lib.web.chat_route import ChatEndpoint, ChatRules
from lib.web.endpoint import Endpoint, EndpointRules
from lib.web.json_route import Reply
from lib.web.proxy import Proxy
from lib.web.surface import Posted
from lib.web.validation import invalid

ANY_METHOD: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")


class Board(Protocol):
    """Knows how far the rollout has come."""

    async def arm_for(self, user_id: str) -> Arm:
        """The side a user is on. Raises nothing."""
        ...


class Books(Protocol):
    """Accounts for what was handed on."""

    async def book(self, outcome: Forwarded) -> None:
        """One record. Raises nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Legacy:
    """The old implementation."""

    proxy: Proxy
    books: Books


@dataclass(frozen=True, slots=True)
class Sides:
    """Who answers. `old` is a pipeline where nothing else stands for the old side."""

    new: ChatEndpoint
    old: ChatEndpoint | Legacy


class RolloutEndpoint:
    """The route as an ASGI app. Callers prove who they are on either side; `x-rollout-arm` says which it was."""

    def __init__(self, board: Board, access: Access, sides: Sides, clock: Clock, rules: ChatRules) -> None:
        self._board = board
        self._access = access
        self._sides = sides
        self._clock = clock
        self._rules = rules

    def app(self, ids: Callable[[], str]) -> Endpoint:
        """The endpoint, whose requests get these ids."""
        rules = self._rules
        methods = ANY_METHOD if isinstance(self._sides.old, Legacy) else ("POST",)
        return Endpoint(self._handle, ids, EndpointRules(methods=methods, cors=rules.cors, at_once=rules.at_once))

    async def _handle(self, call: Call) -> None:
        received_at = self._clock.now()
        caller = await self._access.recognise(call.headers, peer=call.peer)
        body = await call.body()
        posted = self._read(call, body)
        caller = await self._access.entitled(caller, posted.claim if posted else NOBODY)
        arm = await self._board.arm_for(caller.user_id) if posted else Arm.OLD
        call.wire.add_headers((b"x-rollout-arm", arm.value.encode()))
        side = self._sides.new if arm is Arm.NEW else self._sides.old
        if isinstance(side, Legacy):
            watch = side.proxy.watch(call, caller, posted.request.model if posted else "")
            call.afterwards.append(lambda: side.books.book(watch.outcome(self._clock.monotonic())))
            await side.proxy.forward(watch, body, self._rules.deadline(received_at) - received_at)
        elif posted:
            await side.answer(call, posted, caller, received_at)

    def _read(self, call: Call, body: bytes) -> Posted | None:
        """The chat; None for anything else, which is the old implementation's. Without one it is an InvalidRequest."""
        legacy = isinstance(self._sides.old, Legacy)
        if call.method != "POST" and legacy:
            return None
        try:
            return self._rules.surface.read(body, call.headers, self._rules.default_model)
        except (InvalidRequest, RequestTooLarge):
            if not legacy:
                raise
            return None


class AutoRollbackWish(BaseModel):
    """When it is to be turned back by itself."""

    model_config = ConfigDict(
        strict=True, extra="forbid", allow_inf_nan=False, alias_generator=to_camel, validate_by_name=True,
        validate_by_alias=True,
    )  # fmt: skip

    enabled: bool = True
    margin_percent: float = Field(default=5.0, ge=0, le=100)
    min_requests: int = Field(default=100, ge=10, le=1_000_000)


class RolloutWish(BaseModel):
    """What PUT takes; what is not named stays."""

    model_config = AutoRollbackWish.model_config

    percent: float | None = Field(default=None, ge=0, le=100)
    auto_rollback: AutoRollbackWish | None = None


class Setting(Protocol):
    """Sets the rollout. Both raise StoreError."""

    async def describe(self) -> JsonObject:
        """All that is known about it."""
        ...

    async def set(self, percent: float | None, auto: tuple[bool, float, int] | None) -> JsonObject:
        """Change what is not None, for all instances; then describe it."""
        ...


@dataclass(frozen=True, slots=True)
class RolloutAdmin:
    """For the operator."""

    access: Access
    setting: Setting

    async def __call__(self, call: Call) -> Reply:
        """GET or PUT. Raises AuthenticationFailed, InvalidRequest naming the field, Overloaded."""
        self.access.require_admin(call.headers)
        try:
            if call.method != "PUT":
                return Reply(await self.setting.describe())
            wish = RolloutWish.model_validate_json(await call.body())
            auto = wish.auto_rollback
            values = (auto.enabled, auto.margin_percent, auto.min_requests) if auto else None
            return Reply(await self.setting.set(wish.percent, values))
        except ValidationError as error:
            raise invalid(error) from None
        except StoreError as error:
            message = "the rollout cannot be read or set at the moment: the store does not answer"
            raise Overloaded(message, retry_after=5.0, detail=str(error)) from error
