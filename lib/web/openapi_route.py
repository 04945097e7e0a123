"""GET /api/ai/openapi.json: the product's own description, made when it is first asked for."""

from __future__ import annotations

from functools import cached_property

from lib.contract import JsonObject
from lib.errors import NotFound
from lib.web.asgi import Call
from lib.web.json_route import Reply


class OpenApiRoute:
    """`version`, `tiers` and `anonymous` are what the description tells of this deployment."""

    def __init__(self, *, enabled: bool, version: str, tiers: tuple[str, ...], anonymous: bool) -> None:
        self._enabled = enabled
        self._version = version
        self._tiers = tiers
        self._anonymous = anonymous

    @cached_property
    def _document(self) -> JsonObject:
        from lib.web.openapi.document import About, document

        return document(About(self._version, self._tiers, self._anonymous))

    async def __call__(self, _: Call) -> Reply:
        """Raises NotFound where it is switched off."""
        if not self._enabled:
            raise NotFound("There is nothing at this address.")
        return Reply(self._document)
