"""Tokens of identity providers: which are believed, whom they name, and what forgers try."""

from __future__ import annotations

import hmac
from typing import Final

import pytest

from lib.access.credentials import Credentials
from lib.access.jwt_tokens import LONGEST, JwtTokens, TokenRules
from lib.access.key_set import KeySet
from lib.contract import Caller, CallerKind, Json, JsonObject
from lib.errors import AuthenticationFailed
from tests.support.clock import START, HandTurnedClock
from tests.support.side_calls import ScriptedSideCalls
from tests.support.tokens import (
    AUDIENCE,
    ISSUER,
    SECRET,
    SharedSigner,
    Signer,
    claims_with,
    handmade,
    key_set,
)

ES: Final = Signer()
RULES: Final = TokenRules(
    audiences=(AUDIENCE,), tier_claim="app_metadata.tier", tiers=frozenset({"free", "pro", "expert"})
)


def tokens(*signers: Signer, rules: TokenRules = RULES, clock: HandTurnedClock | None = None) -> JwtTokens:
    clock = clock or HandTurnedClock()
    calls = ScriptedSideCalls(key_set(*signers or (ES,)))
    return JwtTokens(rules, {ISSUER: KeySet("https://issuer.example/jwks", calls, clock, 600)}, clock)


async def caller_of(token: str, known: JwtTokens | None = None) -> Caller:
    caller = await (known or tokens()).recognise(Credentials(token, "203.0.113.9"))
    assert caller is not None
    return caller


async def refusal_of(token: str, known: JwtTokens | None = None) -> str:
    with pytest.raises(AuthenticationFailed) as refused:
        await (known or tokens()).recognise(Credentials(token, None))
    return refused.value.code


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
async def test_a_token_signed_with_the_issuers_key_names_its_user(algorithm: str) -> None:
    signer = Signer(algorithm)
    assert await caller_of(signer.token(), tokens(signer)) == Caller("user-1", "", CallerKind.USER, "203.0.113.9")


async def test_algorithms_that_are_not_configured_are_refused_though_the_signature_holds() -> None:
    signer = Signer("RS512")
    assert await refusal_of(signer.token(), tokens(signer)) == "invalid_token"
    rules = TokenRules(audiences=(AUDIENCE,), algorithms=("RS512",))
    assert (await caller_of(signer.token(), tokens(signer, rules=rules))).user_id == "user-1"


async def test_shared_secrets_count_only_where_one_is_set() -> None:
    assert await refusal_of(SharedSigner().token()) == "invalid_token"
    known = tokens(rules=TokenRules(audiences=(AUDIENCE,), secret=SECRET))
    assert (await caller_of(SharedSigner().token(), known)).user_id == "user-1"
    assert await refusal_of(SharedSigner(SECRET + "!").token(), known) == "invalid_token"


@pytest.mark.parametrize("secret", ["", SECRET])
async def test_a_public_key_is_no_shared_secret(secret: str) -> None:
    signer = Signer("RS256")
    unsigned = handmade({"alg": "HS256", "kid": "k1", "typ": "JWT"}).rpartition(".")[0]
    known = tokens(signer, rules=TokenRules(audiences=(AUDIENCE,), secret=secret))
    for key in (signer.public_pem, signer.public_pem.strip()):
        signature = hmac.new(key, unsigned.encode(), "sha256").digest()
        token = handmade({"alg": "HS256", "kid": "k1", "typ": "JWT"}, signature)
        assert token.startswith(unsigned)
        assert await refusal_of(token, known) == "invalid_token"


@pytest.mark.parametrize("name", ["none", "None", "NONE", "nOnE", "", "HS512", "ES512", "RS256"])
async def test_the_token_does_not_choose_how_it_is_checked(name: str) -> None:
    for signature in (b"", b"\0" * 64):
        assert await refusal_of(handmade({"alg": name, "kid": "k1"}, signature)) == "invalid_token"


async def test_keys_that_a_token_brings_along_are_ignored() -> None:
    forger = Signer(number=1)
    header: JsonObject = {"jwk": forger.jwk(), "jku": "https://forger.example/", "x5u": "https://forger.example/"}
    assert await refusal_of(forger.token(header)) == "invalid_token"
    assert (await caller_of(ES.token(header))).user_id == "user-1"


async def test_extensions_that_must_be_understood_are_refused() -> None:
    assert await refusal_of(ES.token({"crit": ["exp"]})) == "invalid_token"
    assert await refusal_of(ES.token({"crit": ["b64"], "b64": True})) == "invalid_token"


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"exp": START - 31}, "expired_token"),
        ({"exp": START - 30}, "expired_token"),
        ({"exp": None}, "invalid_token"),
        ({"exp": "tomorrow"}, "invalid_token"),
        ({"exp": True}, "invalid_token"),
        ({"nbf": START + 31}, "invalid_token"),
        ({"iat": START + 31}, "invalid_token"),
        ({"iss": "https://other.example"}, "invalid_token"),
        ({"iss": ISSUER + "/"}, "invalid_token"),
        ({"iss": None}, "invalid_token"),
        ({"iss": [ISSUER]}, "invalid_token"),
        ({"aud": "anon"}, "invalid_token"),
        ({"aud": None}, "invalid_token"),
        ({"sub": None}, "invalid_token"),
        ({"sub": ""}, "invalid_token"),
        ({"sub": "a\nb"}, "invalid_token"),
        ({"sub": "x" * 257}, "invalid_token"),
    ],
)
async def test_claims_that_do_not_hold_are_refused(claims: dict[str, Json], code: str) -> None:
    assert await refusal_of(ES.token(**claims)) == code


@pytest.mark.parametrize(
    "claims",
    [{"exp": START - 29}, {"nbf": START + 30}, {"iat": START + 30}, {"aud": ["else", AUDIENCE]}, {"nbf": None}],
)
async def test_clocks_may_differ_a_little_and_a_token_may_be_for_several(claims: dict[str, Json]) -> None:
    assert (await caller_of(ES.token(**claims))).user_id == "user-1"


async def test_a_token_for_somebody_is_refused_where_no_audience_is_configured() -> None:
    known = tokens(rules=TokenRules())
    assert await refusal_of(ES.token(), known) == "invalid_token"
    assert (await caller_of(ES.token(aud=None), known)).user_id == "user-1"


async def test_user_and_tier_come_from_the_configured_claims() -> None:
    rules = TokenRules(
        audiences=(AUDIENCE,),
        user_claim="https://app.example/user.id",
        tier_claim="app.plan.tier",
        tiers=frozenset({"pro"}),
    )
    known = tokens(rules=rules)
    claims: dict[str, Json] = {"https://app.example/user.id": 17, "app": {"plan": {"tier": "pro"}}}
    caller = await caller_of(ES.token(**claims), known)
    assert (caller.user_id, caller.tier) == ("17", "pro")
    assert await refusal_of(ES.token(), known) == "invalid_token"


@pytest.mark.parametrize("tier", ["platinum", "", None, 3, ["pro"], {"pro": True}])
async def test_a_tier_that_does_not_exist_is_as_good_as_none(tier: Json) -> None:
    assert not (await caller_of(ES.token(app_metadata={"tier": tier}))).tier
    assert not (await caller_of(ES.token(app_metadata=tier))).tier


@pytest.mark.parametrize("credential", [None, "", "aig_x_y", "abc.def.ghi", "eyJhbGciOi", "eyJ.eyJ.eyJ.eyJ.eyJ"])
async def test_what_is_no_token_is_left_to_others(credential: str | None) -> None:
    assert await tokens().recognise(Credentials(credential, None)) is None


@pytest.mark.parametrize(
    "token",
    [
        "eyJ..",
        "eyJhbGciOiJFUzI1NiJ9.e30.",
        "eyJhbGciOiJFUzI1NiJ9.e30.AA",
        "eyJhbGciOiJFUzI1NiJ9.W10.AA",
        "eyJhbGciOiJFUzI1NiJ9.bm90IGpzb24.AA",
        "eyJ\xff.e30.AA",
        "eyJhbGciOiJFUzI1NiJ9.e30.A=",
    ],
)
async def test_a_damaged_token_is_refused(token: str) -> None:
    assert await refusal_of(token) == "invalid_token"


async def test_a_huge_or_deeply_nested_token_is_refused_before_it_is_checked() -> None:
    signer, clock = Signer(), HandTurnedClock()
    calls = ScriptedSideCalls(key_set(signer))
    known = JwtTokens(RULES, {ISSUER: KeySet("https://issuer.example/jwks", calls, clock, 600)}, clock)
    assert await refusal_of(signer.token(padding="x" * LONGEST), known) == "invalid_token"
    deep: Json = []
    for _ in range(200):
        deep = [deep]
    assert await refusal_of(signer.token(deep=deep), known) == "invalid_token"
    assert not calls.sent


async def test_a_changed_payload_is_refused() -> None:
    head, _, signature = ES.token().split(".")
    body = handmade({}, **claims_with(sub="admin")).split(".")[1]
    assert await refusal_of(f"{head}.{body}.{signature}") == "invalid_token"
