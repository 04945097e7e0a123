"""What every function's routes are made of: the gateway, who may enter, which browsers may call, fresh request ids."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from functools import cached_property
from typing import Final

from lib.access.credentials import Authenticator
from lib.composition import Gateway
from lib.web.access import Access, AccessRules
from lib.web.asgi import Call
from lib.web.cors import Cors
from lib.web.endpoint import EndpointRules
from lib.web.json_route import JsonEndpoint, Reply
from lib.web.own_keys import OwnKeyRules
from lib.web.shell import Route

VERSION: Final = "0.1.0"


def request_id(now: float = 0.0) -> str:
    """A fresh id, unlike any other. It begins with the second it was made in, by which its record is found."""
    return f"req_{int(now):08x}{secrets.token_hex(8)}"


class Site:
    """One gateway as the modules of `lib.endpoints` see it."""

    def __init__(self, gateway: Gateway, ids: Callable[[], str] | None = None) -> None:
        self.gateway = gateway
        self.ids = ids or (lambda: request_id(gateway.world.clock.now()))
        self.own_keys = OwnKeyRules(frozenset(gateway.settings.own_keys.tiers), gateway.with_keys)
        self.cors = Cors(gateway.settings.access.cors_origins, self.own_keys.headers)

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
        return Access(rules, (*self._api_keys(), *self._tokens(rules.tiers)), self.gateway.tiers)

    def _api_keys(self) -> tuple[Authenticator, ...]:
        """What knows API keys, where there is a store that keeps them."""
        if not self.gateway.kv_configured:
            return ()
        from lib.access.key_authenticator import KeyAuthenticator

        return (KeyAuthenticator(self.gateway.api_keys, self.gateway.world.clock),)

    def _tokens(self, tiers: frozenset[str]) -> tuple[Authenticator, ...]:
        """What knows the tokens of identity providers, imported where there are any."""
        given, world = self.gateway.settings.jwt, self.gateway.world
        if not (sets := given.key_sets()):
            return ()
        from lib.access.jwt_tokens import jwt_authenticator

        return (jwt_authenticator(given, sets, tiers, world.side_calls, world.clock),)

    def json(self, path: str, answer: Callable[[Call], Awaitable[Reply]], *methods: str) -> Route:
        """A route that answers with JSON documents, to GET unless other methods are named."""
        return Route(path, JsonEndpoint(answer, self.ids, EndpointRules(methods=methods or ("GET",), cors=self.cors)))
