"""What every function's routes are made of: the gateway, who may enter, which browsers may call, fresh request ids."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from functools import cached_property
from typing import Final

from lib.composition import Gateway
from lib.web.access import Access, AccessRules
from lib.web.asgi import Call
from lib.web.cors import Cors
from lib.web.endpoint import EndpointRules
from lib.web.json_route import JsonEndpoint, Reply
from lib.web.shell import Route

VERSION: Final = "0.1.0"


def request_id() -> str:
    """A fresh id, unlike any other."""
    return "req_" + secrets.token_hex(12)


class Site:
    """One gateway as the modules of `lib.endpoints` see it."""

    def __init__(self, gateway: Gateway, ids: Callable[[], str] = request_id) -> None:
        self.gateway = gateway
        self.ids = ids
        self.cors = Cors(gateway.settings.access.cors_origins)

    @cached_property
    def access(self) -> Access:
        """Who may enter."""
        given = self.gateway.settings
        rules = AccessRules(
            service_token=given.access.service_token or "",
            admin_token=given.access.admin_token or "",
            allow_anonymous=given.access.allow_anonymous,
            on_vercel=given.environment.on_vercel,
            tiers=frozenset(tier.name for tier in self.gateway.table.tiers),
        )
        return Access(rules)

    def json(self, path: str, answer: Callable[[Call], Awaitable[Reply]], *methods: str) -> Route:
        """A route that answers with JSON documents, to GET unless other methods are named."""
        return Route(path, JsonEndpoint(answer, self.ids, EndpointRules(methods=methods or ("GET",), cors=self.cors)))
