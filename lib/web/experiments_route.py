"""GET, PUT and DELETE /api/ai/admin/experiments: experiments with the cache, and what they have shown."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, Protocol, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from lib.clock import Clock
from lib.contract import Json, JsonObject
from lib.errors import Conflict, InvalidRequest, Overloaded, StoreError
from lib.experiment import Arm, Experiment
from lib.web.access import Access
from lib.web.asgi import Call
from lib.web.json_route import Reply
from lib.web.validation import invalid

_Name: TypeAlias = Annotated[str, Field(min_length=1, max_length=32, pattern=r"^[a-z0-9-]+$")]


class ArmWish(BaseModel):
    """One way to have the cache; what is not named stays as the deployment has it."""

    model_config = ConfigDict(
        strict=True, extra="forbid", allow_inf_nan=False, alias_generator=to_camel, validate_by_name=True,
        validate_by_alias=True,
    )  # fmt: skip

    name: _Name
    mode: Literal["off", "exact", "shadow", "near"] | None = None
    max_wrong: float | None = Field(default=None, ge=0.001, le=0.1)
    """Share of near hits that may be wrong."""
    ttl_percent: int = Field(default=100, ge=1, le=1_000)
    """Of every lifetime."""


class ExperimentWish(BaseModel):
    """What PUT takes. The first arm is what the others are compared with."""

    model_config = ArmWish.model_config

    name: _Name
    percent: float = Field(default=100.0, gt=0, le=100)
    """Of the users."""
    arms: list[ArmWish] = Field(min_length=2, max_length=4)


class Board(Protocol):
    """Knows and sets the experiments."""

    async def all(self) -> tuple[Experiment, ...]:
        """Those that are on."""
        ...

    async def put(self, experiment: Experiment) -> tuple[Experiment, ...]:
        """Begin one."""
        ...

    async def end(self, name: str) -> tuple[Experiment, ...]:
        """End one."""
        ...


@dataclass(frozen=True, slots=True)
class ExperimentsRoute:
    """For the operator."""

    access: Access
    board: Board | None
    """None where they are switched off."""
    shown: Callable[[Sequence[Experiment]], Awaitable[list[Json]]]
    clock: Clock

    async def __call__(self, call: Call) -> Reply:
        """`{enabled, experiments}`. Raises AuthenticationFailed, Conflict, InvalidRequest, NotFound, Overloaded."""
        self.access.require_admin(call.headers)
        if self.board is None and call.method != "GET":
            raise Conflict("Experiments are switched off: set CACHE_EXPERIMENTS.")
        try:
            rows = await self.shown(await self._changed(call, self.board)) if self.board else []
        except ValidationError as error:
            raise invalid(error) from None
        except StoreError as error:
            message = "experiments cannot be read or set at the moment: the store does not answer"
            raise Overloaded(message, retry_after=5.0, detail=str(error)) from error
        shown: JsonObject = {"enabled": self.board is not None, "experiments": rows}
        return Reply(shown)

    async def _changed(self, call: Call, board: Board) -> tuple[Experiment, ...]:
        if call.method == "PUT":
            return await board.put(self._experiment(ExperimentWish.model_validate_json(await call.body())))
        if call.method == "DELETE":
            return await board.end(call.query().get("name", ""))
        return await board.all()

    def _experiment(self, wish: ExperimentWish) -> Experiment:
        names = [arm.name for arm in wish.arms]
        if len(set(names)) < len(names):
            raise InvalidRequest("Two arms have one name.", param="arms")
        arms = tuple(
            Arm(name=arm.name, mode=arm.mode, max_wrong=arm.max_wrong, ttl_percent=arm.ttl_percent) for arm in wish.arms
        )
        return Experiment(name=wish.name, arms=arms, percent=wish.percent, begun_at=self.clock.now())
