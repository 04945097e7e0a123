"""Credentials and client addresses."""

from __future__ import annotations

import pytest

from lib.access.credentials import Credentials
from lib.contract import Caller, CallerKind
from lib.errors import AuthenticationFailed, InvalidRequest, PermissionDenied
from lib.web.access import Access, AccessRules, Claim, bearer_token, client_address, same_secret

RULES = AccessRules(service_token="service-secret", admin_token="admin-secret", allow_anonymous=True)
SERVICE = {"authorization": "Bearer service-secret"}


async def identify(headers: dict[str, str], rules: AccessRules = RULES, peer: str | None = "203.0.113.9") -> Caller:
    return await Access(rules).identify(headers, peer=peer)


async def test_the_service_token_speaks_for_the_user_and_tier_it_names() -> None:
    caller = await identify({**SERVICE, "x-user-id": "ann", "x-user-tier": "pro"})
    assert caller == Caller("ann", "pro", CallerKind.SERVICE, None)


async def test_a_service_call_that_names_nobody_is_the_service_itself() -> None:
    assert await identify(SERVICE) == Caller("service", "free", CallerKind.SERVICE, None)


async def test_the_admin_token_is_recognised() -> None:
    assert (await identify({"authorization": "bearer admin-secret"})).kind is CallerKind.ADMIN


async def test_no_credential_is_anonymous_by_address_where_that_is_on() -> None:
    assert await identify({}) == Caller("anon:203.0.113.9", "free", CallerKind.ANONYMOUS, "203.0.113.9")
    with pytest.raises(AuthenticationFailed) as caught:
        await identify({}, AccessRules(service_token="s"))
    assert caught.value.code == "missing_credentials"


@pytest.mark.parametrize(
    "header", ["Bearer wrong", "Bearer ", "Basic service-secret", "service-secret", "Bearer sürprise", ""]
)
async def test_a_wrong_credential_is_refused_even_where_anonymous_callers_are_let_in(header: str) -> None:
    with pytest.raises(AuthenticationFailed):
        await identify({"authorization": header})


@pytest.mark.parametrize("token", ["", "None", "null"])
async def test_an_unset_secret_closes_its_door(token: str) -> None:
    with pytest.raises(AuthenticationFailed):
        await identify({"authorization": f"Bearer {token}"}, AccessRules())
    with pytest.raises(AuthenticationFailed):
        Access(AccessRules()).require_admin({"authorization": f"Bearer {token}"})


async def test_what_an_anonymous_caller_claims_is_ignored() -> None:
    access = Access(RULES)
    caller = await access.identify({"x-user-id": "ann", "x-user-tier": "master"}, peer="203.0.113.9")
    assert access.on_behalf(caller, Claim("ann", "master")) == caller
    assert (caller.user_id, caller.tier) == ("anon:203.0.113.9", "free")


async def test_the_body_of_a_service_call_outranks_its_headers() -> None:
    access = Access(RULES)
    caller = await access.identify({**SERVICE, "x-user-id": "ann", "x-user-tier": "pro"}, peer=None)
    assert access.on_behalf(caller, Claim("bob", None)) == Caller("bob", "pro", CallerKind.SERVICE, None)


@pytest.mark.parametrize(
    ("claim", "param"),
    [(Claim("a" * 257), "userId"), (Claim("a\nb"), "userId"), (Claim("a", "emperor"), "tier")],
)
async def test_an_impossible_claim_of_a_trusted_caller_is_a_bad_request(claim: Claim, param: str) -> None:
    access = Access(RULES)
    caller = await access.identify(SERVICE, peer=None)
    with pytest.raises(InvalidRequest) as caught:
        access.on_behalf(caller, claim)
    assert caught.value.param == param


class Keys:
    """A kind of credential that comes later."""

    async def recognise(self, credentials: Credentials) -> Caller | None:
        known = credentials.token == "key-1"
        return Caller("ann", "pro", CallerKind.USER, credentials.address) if known else None


async def test_further_authenticators_are_asked_in_their_turn_and_their_users_cannot_claim() -> None:
    access = Access(RULES, (Keys(),))
    caller = await access.identify({"authorization": "Bearer key-1", "x-user-id": "bob"}, peer="203.0.113.9")
    assert access.on_behalf(caller, Claim("bob", "master")) == Caller("ann", "pro", CallerKind.USER, "203.0.113.9")


def test_only_the_admin_token_opens_what_is_the_operators() -> None:
    access = Access(RULES)
    access.require_admin({"authorization": "Bearer admin-secret"})
    with pytest.raises(PermissionDenied):
        access.require_admin(SERVICE)
    with pytest.raises(AuthenticationFailed):
        access.require_admin({})


def test_secrets_are_compared_as_bytes_whatever_characters_they_hold() -> None:
    assert same_secret("schlüssel".encode().decode("latin-1"), "schlüssel")
    assert not same_secret("schlüssel", "schlüssel2")
    assert not same_secret("☃", "☃☃")
    assert not same_secret(None, "")
    assert not same_secret("", "")


def test_the_bearer_scheme_is_read_in_any_case() -> None:
    assert bearer_token({"authorization": "BEARER  abc "}) == "abc"
    assert bearer_token({"authorization": "Basic abc"}) == ""
    assert bearer_token({}) is None


@pytest.mark.parametrize(
    ("headers", "address"),
    [
        ({"x-vercel-forwarded-for": "198.51.100.7"}, "198.51.100.7"),
        ({"x-vercel-forwarded-for": "198.51.100.7, 10.0.0.1"}, "198.51.100.7"),
        ({"x-vercel-forwarded-for": "garbage", "x-real-ip": "198.51.100.8"}, "198.51.100.8"),
        ({"x-real-ip": "2001:db8:1:2:3:4:5:6"}, "2001:db8:1:2::/64"),
        ({"x-real-ip": "::ffff:198.51.100.9"}, "198.51.100.9"),
        ({"x-real-ip": "fe80::1%eth0"}, "fe80::/64"),
        ({"x-forwarded-for": "198.51.100.7"}, None),
        ({}, None),
    ],
)
def test_on_vercel_only_the_platforms_headers_tell_the_address(headers: dict[str, str], address: str | None) -> None:
    assert client_address(headers, on_vercel=True, peer="10.0.0.2") == address


def test_elsewhere_only_the_socket_tells_the_address() -> None:
    forged = {"x-vercel-forwarded-for": "198.51.100.7", "x-real-ip": "198.51.100.7", "x-forwarded-for": "198.51.100.7"}
    assert client_address(forged, on_vercel=False, peer="203.0.113.9") == "203.0.113.9"
    assert client_address(forged, on_vercel=False, peer=None) is None


class Known:
    """Answers with one tier and remembers who was asked about."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def tier_of(self, user_id: str) -> str:
        self.asked.append(user_id)
        return "expert"


class Untiered:
    """Knows everybody as one user without a tier."""

    async def recognise(self, credentials: Credentials) -> Caller | None:
        return Caller("ann", "", CallerKind.USER, credentials.address) if credentials.token == "key-1" else None


async def test_whoever_comes_without_a_tier_gets_the_one_they_are_known_to_have() -> None:
    known = Known()
    access = Access(RULES, (Untiered(),), known)
    assert (await access.identify({"authorization": "Bearer key-1"}, peer=None)).tier == "expert"
    assert (await access.identify({**SERVICE, "x-user-id": "bob"}, peer=None)).tier == "expert"
    assert known.asked == ["ann", "bob"]


async def test_nobody_is_asked_where_a_tier_is_given_or_nobody_is_named() -> None:
    known = Known()
    access = Access(RULES, (), known)
    assert (await access.identify({**SERVICE, "x-user-id": "bob", "x-user-tier": "pro"}, peer=None)).tier == "pro"
    assert (await access.identify(SERVICE, peer=None)).tier == "free"
    assert (await access.identify({}, peer="203.0.113.9")).tier == "free"
    assert not known.asked


async def test_a_body_may_name_the_user_of_a_tier_in_the_headers_and_the_other_way_round() -> None:
    known = Known()
    access = Access(RULES, (), known)
    caller = await access.recognise({**SERVICE, "x-user-tier": "pro"}, peer=None)
    assert await access.entitled(caller, Claim("ann")) == Caller("ann", "pro", CallerKind.SERVICE, None)
    caller = await access.recognise({**SERVICE, "x-user-id": "ann"}, peer=None)
    assert await access.entitled(caller, Claim(tier="master")) == Caller("ann", "master", CallerKind.SERVICE, None)
    assert not known.asked
    assert (await access.entitled(caller, Claim("bob"))).tier == "expert"
    assert known.asked == ["bob"]


async def test_without_anybody_to_ask_the_default_holds() -> None:
    access = Access(RULES, (Untiered(),))
    assert (await access.identify({"authorization": "Bearer key-1"}, peer=None)).tier == "free"
