"""Everything that can go wrong, and what to do next.

GatewayError                 what a caller may see: HTTP status, OpenAI error type and code
    InvalidRequest           400, names the field
    AuthenticationFailed     401
    PermissionDenied         403
    NotFound                 404
    Conflict                 409, the thing is no longer in a state for this
    RequestTooLarge          413
    RateLimited              429, says which limit and when
    BudgetExceeded           402
    NoModelAvailable         400 or 503, names the constraint that left no model
    UpstreamFailed           502, 503 or 504: every model of the chain failed
    Stopped                  409 (within a stream only), the caller has stopped the answer
    Overloaded               503, this instance sheds load
ProviderError                one failed try at one model; carries the next step, never shown raw
StoreError                   the KV answered with an error for one command
    StoreUnavailable         no answer was given and nothing was executed
    UnknownOutcome           no usable answer: the command may or may not have run
SideCallFailed               a third party (key set, subscriptions, queue) gave no usable answer
SettingsError                a configuration value is wrong; names the variable

`message` is written for the caller. What only the operator may read goes to `detail`, which is logged and never sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final


class GatewayError(Exception):
    """An error in OpenAI's shape, ready to be sent to the caller."""

    status = 500
    type = "server_error"
    code = "internal_error"

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        retry_after: float | None = None,
        detail: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code or self.code
        self.retry_after = retry_after
        """Seconds after which the same request may succeed; None when waiting does not help."""
        self.detail = detail


class InvalidRequest(GatewayError):
    """The request is wrong; `param` names the field."""

    status = 400
    type = "invalid_request_error"
    code = "invalid_value"


class AuthenticationFailed(GatewayError):
    """No known credential."""

    status = 401
    type = "authentication_error"
    code = "invalid_api_key"


class PermissionDenied(GatewayError):
    """A known caller who may not do this."""

    status = 403
    type = "permission_error"
    code = "permission_denied"


class NotFound(GatewayError):
    """Nothing is here."""

    status = 404
    type = "invalid_request_error"
    code = "not_found"


class Conflict(GatewayError):
    """What it is asked of is no longer in a state for it."""

    status = 409
    type = "invalid_request_error"
    code = "conflict"


class RequestTooLarge(GatewayError):
    """The body is larger than the platform takes."""

    status = 413
    type = "invalid_request_error"
    code = "request_too_large"


class RateLimited(GatewayError):
    """`limit_name` is one of the names in the RateLimit-Policy header."""

    status = 429
    type = "rate_limit_error"
    code = "rate_limit_exceeded"

    def __init__(self, message: str, *, limit_name: str, limit: int, window_seconds: int, retry_after: float) -> None:
        super().__init__(message, retry_after=retry_after)
        self.limit_name = limit_name
        self.limit = limit
        self.window_seconds = window_seconds


EVERYBODYS: Final = frozenset({"tier", "deployment"})
"""Scopes of budgets whose amounts are the operator's affair."""


@dataclass(frozen=True, slots=True)
class SpentBudget:
    """A budget that leaves no room, in its unit."""

    scope: str
    """`user`, `key`, `tier` or `deployment`."""
    period: str
    limit: int
    spent: int
    """With what is held."""
    held: int
    resets_at: str
    unit: str = "usd"
    """`usd`, counted in micro-dollars, or `tokens`."""

    @property
    def left(self) -> int:
        """What may still be set aside."""
        return self.limit - self.spent


class BudgetExceeded(GatewayError):
    """The request's estimated cost does not fit into what is left."""

    status = 402
    type = "insufficient_quota"
    code = "budget_exceeded"

    def __init__(self, message: str, *, budget: SpentBudget | None = None, retry_after: float | None = None) -> None:
        super().__init__(message, retry_after=retry_after)
        self.budget = budget


class NoModelAvailable(GatewayError):
    """A constraint leaves no model; the message names it."""

    status = 400
    type = "invalid_request_error"
    code = "no_model_available"


class NoProviderConfigured(GatewayError):
    """No provider has a key."""

    status = 503
    type = "server_error"
    code = "no_provider_configured"


class UpstreamFailed(GatewayError):
    """Every model of the chain failed. The last failure decides the status: 429, 502, 503 or 504."""

    status = 502
    type = "server_error"
    code = "upstream_failed"

    def __init__(self, message: str, *, status: int = 502, retry_after: float | None = None, detail: str = "") -> None:
        super().__init__(message, retry_after=retry_after, detail=detail)
        self.status = status
        if status == 429:
            self.type, self.code = "rate_limit_error", "upstream_rate_limited"


class Stopped(GatewayError):
    """The caller has asked that this answer end."""

    status = 409
    type = "invalid_request_error"
    code = "stopped"


class Overloaded(GatewayError):
    """This instance sheds load, or cannot check what it must; waiting helps."""

    status = 503
    type = "server_error"
    code = "overloaded"


class NextStep(Enum):
    """What a failed try means for the request."""

    RETRY = "retry"
    """The same model may answer if asked again; the next model when it does not."""
    NEXT_MODEL = "next_model"
    """Asking this model again is useless; another one may answer."""
    GIVE_UP = "give_up"
    """The caller's request is at fault: no model will do better, and hiding it would hide a bug."""


class ProviderError(Exception):
    """One failed try. `kind` is the word that usage records and health count; `retry_after` is in seconds.

    `param`, where the provider named the field it rejects, is set by whoever read it.
    """

    param: str | None = None

    def __init__(
        self,
        kind: str,
        message: str,
        *,
        status: int | None = None,
        retry_after: float | None = None,
        next_step: NextStep | None = None,
    ) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind
        self.message = message
        self.status = status
        self.retry_after = retry_after
        self.next_step = next_step or next_step_for(status)

    @property
    def counts_against_health(self) -> bool:
        """A caller's mistake says nothing about the model."""
        return self.next_step is not NextStep.GIVE_UP and self.kind not in _CALLERS_LIMITS


_CALLERS_LIMITS: Final = frozenset({"context_length", "unsupported"})

_NEXT_BY_STATUS: Final = {
    401: NextStep.NEXT_MODEL,
    402: NextStep.NEXT_MODEL,
    403: NextStep.NEXT_MODEL,
    404: NextStep.NEXT_MODEL,
    405: NextStep.NEXT_MODEL,
    408: NextStep.RETRY,
    409: NextStep.RETRY,
    410: NextStep.NEXT_MODEL,
    413: NextStep.NEXT_MODEL,
    425: NextStep.RETRY,
    429: NextStep.RETRY,
}


def next_step_for(status: int | None) -> NextStep:
    """The one table from a provider's HTTP status to the next step.

    No status means transport trouble or a malformed answer.
    """
    if status is None or status >= 500 or status < 400:
        return NextStep.RETRY
    return _NEXT_BY_STATUS.get(status, NextStep.GIVE_UP)


class StoreError(Exception):
    """The KV refused a command (`WRONGTYPE`, quota, bad token …)."""


class StoreUnavailable(StoreError):
    """The KV did not take the command: nothing was executed."""


class UnknownOutcome(StoreError):
    """The command was sent and no usable answer came back: it may or may not have run."""


class SideCallFailed(Exception):
    """A third party gave no usable answer; the message names its host and no secret."""


class SettingsError(Exception):
    """A configuration value cannot be used; the message names the variable."""
