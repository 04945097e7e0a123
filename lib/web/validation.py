"""A pydantic error in the caller's terms: the first wrong field, and why, in a bounded message without input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lib.errors import InvalidRequest
from lib.web.parameters import param_name

if TYPE_CHECKING:
    from pydantic import ValidationError

_LONGEST_REASON: Final = 200
_REASONS: Final = {
    "too_short": "There must be at least one.",
    "too_long": "There are too many.",
    "string_too_short": "This must not be empty.",
    "string_too_long": "This is too long.",
    "missing": "This field is required.",
    "extra_forbidden": "This option is not supported.",
    "string_pattern_mismatch": "This holds characters that are not allowed.",
    "string_type": "This must be a string.",
    "int_type": "This must be a whole number.",
    "float_type": "This must be a number.",
    "finite_number": "Numbers must be finite.",
    "bool_type": "This must be true or false.",
    "list_type": "This must be a list.",
    "model_type": "This must be a JSON object.",
}


def invalid(error: ValidationError) -> InvalidRequest:
    """The first of pydantic's findings as our error; `param` is a path such as `gateway.order[0]`."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        return InvalidRequest("The body is not valid JSON in UTF-8.", code="invalid_json")
    reason = _REASONS.get(first["type"]) or first["msg"].replace("Input should", "This should")
    return InvalidRequest(reason[:_LONGEST_REASON], param=path_of(first["loc"]))


def path_of(location: tuple[int | str, ...]) -> str | None:
    """`("gateway", "order", 0)` as `gateway.order[0]`, bounded and in visible ASCII; None for the body itself."""
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
    return param_name(path.removeprefix(".")) or None
