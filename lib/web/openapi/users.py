"""What is held about users: rows of the description."""

from __future__ import annotations

from typing import Final

from lib.web.openapi.answered import Camel, Count
from lib.web.openapi.rows import CALLER, LINES, READ_ERRORS, Answer, Media, Operation, Parameter, one, one_of

PRIVACY: Final = "Privacy"
_ID: Final = Parameter("id", "path", "The user, `me` for the caller.", example="me")


class DeletionReceipt(Camel):
    """Proof of a deletion; it names nobody."""

    id: str
    begun_at: str
    completed_at: str
    deleted: dict[str, Count]


USER_OPERATIONS: Final = (
    Operation(
        method="get",
        path="/api/ai/users/{id}/data",
        says="Everything that is held about a user, for themselves or the operator",
        tag=PRIVACY,
        security=("admin", *CALLER),
        parameters=(_ID, Parameter("format", "query", "Of the download.", pattern=one_of(("json", "ndjson")))),
        answers=((200, Answer("Items, each with its `type`.", (Media("object"), Media("An item a line", LINES)))),),
        errors=READ_ERRORS,
    ),
    Operation(
        method="delete",
        path="/api/ai/users/{id}/data",
        says="Delete it all; usage stays without its user",
        tag=PRIVACY,
        security=("admin", *CALLER),
        parameters=(_ID,),
        answers=one("What was deleted.", DeletionReceipt),
        errors=READ_ERRORS,
    ),
    Operation(
        method="get",
        path="/api/ai/users/{id}/usage",
        says="A user's totals and latest requests",
        tag=PRIVACY,
        security=("admin", *CALLER),
        parameters=(_ID,),
        answers=((200, Answer("The totals.", (Media("object"),))),),
        errors=READ_ERRORS,
    ),
)
