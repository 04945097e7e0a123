"""Every method of every path. A new one is one more row; a test holds the rows and the routes together."""

from __future__ import annotations

from typing import Final

from lib.web.openapi.admin import ADMIN_OPERATIONS, HOOK_OPERATIONS, KEY_OPERATIONS
from lib.web.openapi.chats import BATCH_OPERATIONS, CHAT_OPERATIONS
from lib.web.openapi.protocols import ANTHROPIC_OPERATIONS, OPENAI_OPERATIONS
from lib.web.openapi.rows import Operation
from lib.web.openapi.users import USER_OPERATIONS

OPERATIONS: Final[tuple[Operation, ...]] = (
    *CHAT_OPERATIONS,
    *BATCH_OPERATIONS,
    *OPENAI_OPERATIONS,
    *ANTHROPIC_OPERATIONS,
    *USER_OPERATIONS,
    *ADMIN_OPERATIONS,
    *KEY_OPERATIONS,
    *HOOK_OPERATIONS,
)
