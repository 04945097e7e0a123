"""/api/ai/admin/keys: API keys for the operator. A secret is shown in the answer that makes it, and never again."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TypeVar

from lib.access.api_keys import ApiKeys, Issued
from lib.access.key_record import KeyRecord, KeyTerms
from lib.errors import Overloaded, StoreError
from lib.web.access import Access
from lib.web.asgi import Call
from lib.web.json_route import Reply
from lib.web.key_bodies import ChangeBody, CreateBody, RotateBody, TermRules, read, shown

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class KeysRoute:
    """The routes' answers. Each raises AuthenticationFailed or PermissionDenied for all but the operator."""

    access: Access
    keys: ApiKeys
    rules: TermRules

    async def many(self, call: Call) -> Reply:
        """GET `?user=&cursor=`: a page of keys, the newest first. POST: a new key."""
        self.access.require_admin(call.headers)
        if call.method == "POST":
            body = read(CreateBody, await call.body())
            return self._issued(await _done(self.keys.create(body.user_id, self._terms(body, KeyTerms()))), 201)
        query, now = call.query(), self.rules.now()
        page = await _done(self.keys.page(query.get("user", ""), query.get("cursor", "")))
        return Reply({"keys": [shown(record, now) for record in page.records], "cursor": page.cursor or None})

    async def one(self, call: Call) -> Reply:
        """GET; PATCH; DELETE, which revokes."""
        self.access.require_admin(call.headers)
        return Reply(shown(await self._one(call, _id_in(call, 5)), self.rules.now()))

    async def _one(self, call: Call, key_id: str) -> KeyRecord:
        if call.method == "DELETE":
            return await _done(self.keys.revoke(key_id))
        if call.method == "PATCH":
            body = read(ChangeBody, await call.body())
            return await _done(self.keys.change(key_id, lambda terms: self._terms(body, terms)))
        return await _done(self.keys.get(key_id))

    async def rotate(self, call: Call) -> Reply:
        """POST `{overlapSeconds}`: a new secret, beside which the old one stays valid for so long."""
        self.access.require_admin(call.headers)
        body = read(RotateBody, await call.body())
        return self._issued(await _done(self.keys.rotate(_id_in(call, 5), body.overlap_seconds)), 200)

    def _terms(self, body: ChangeBody, before: KeyTerms) -> KeyTerms:
        return self.rules.terms_of(body, before)

    def _issued(self, issued: Issued, status: int) -> Reply:
        return Reply({"key": issued.token, **shown(issued.record, self.rules.now())}, status)


def _id_in(call: Call, place: int) -> str:
    """The key's id in `/api/ai/admin/keys/…`."""
    return call.path.split("/")[place]


async def _done(work: Awaitable[Result]) -> Result:
    try:
        return await work
    except StoreError as error:
        raise Overloaded(
            "keys cannot be read or written at the moment: the store does not answer",
            retry_after=5.0,
            detail=str(error),
        ) from error
