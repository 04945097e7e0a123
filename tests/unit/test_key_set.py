"""Key sets of issuers: kept, turned over, and never hammered."""

from __future__ import annotations

import asyncio
from typing import Final

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from lib.access.key_set import AGAIN_AFTER_TROUBLE_SECONDS, AGAIN_SECONDS, LARGEST, KeySet, read_key_set
from lib.contract import Json
from lib.errors import Overloaded
from tests.support.clock import HandTurnedClock
from tests.support.side_calls import ScriptedSideCalls
from tests.support.ticks import next_tick
from tests.support.tokens import Signer, key_set

OLD: Final = Signer(kid="old")
NEW: Final = Signer(kid="new", number=1)
RSA: Final = Signer("RS256", kid="rsa")


class Issuer:
    """A key set and the issuer it is read from."""

    def __init__(self, *signers: Signer) -> None:
        self.calls = ScriptedSideCalls(key_set(*signers))
        self.clock = HandTurnedClock()
        self.keys = KeySet("https://issuer.example/jwks", self.calls, self.clock, 600)

    async def found(self, kid: str | None, algorithm: str = "ES256") -> int:
        return len(await self.keys.keys_for(kid, algorithm))


async def test_a_key_set_is_read_once_and_kept_for_its_time() -> None:
    issuer = Issuer(OLD)
    assert await issuer.found("old") == 1
    issuer.clock.turn(599)
    assert await issuer.found("old") == 1
    assert len(issuer.calls.sent) == 1
    issuer.clock.turn(1)
    assert await issuer.found("old") == 1
    assert len(issuer.calls.sent) == 2


async def test_many_at_once_share_one_reading() -> None:
    issuer = Issuer(OLD)
    issuer.calls.hold()
    asking = [asyncio.create_task(issuer.found("old")) for _ in range(20)]
    await next_tick()
    asking[0].cancel()
    await next_tick()
    issuer.calls.release()
    assert await asyncio.gather(*asking[1:]) == [1] * 19
    assert len(issuer.calls.sent) == 1


async def test_a_new_key_is_found_and_a_withdrawn_one_forgotten() -> None:
    issuer = Issuer(OLD)
    assert await issuer.found("old") == 1
    issuer.calls.says = key_set(NEW)
    issuer.clock.turn(AGAIN_SECONDS)
    assert await issuer.found("new") == 1
    assert await issuer.found("old") == 0


async def test_a_flood_of_unknown_keys_asks_the_issuer_once_in_a_while() -> None:
    issuer = Issuer(OLD)
    assert await issuer.found("old") == 1
    for second in range(120):
        assert await issuer.found(f"junk-{second}") == 0
        issuer.clock.turn(1)
    assert len(issuer.calls.sent) == 1 + 119 // AGAIN_SECONDS


@pytest.mark.parametrize(("status", "says"), [(0, None), (500, {"keys": []}), (200, b"<html>"), (200, {"key": 1})])
async def test_an_issuer_that_was_never_heard_is_our_trouble_not_the_callers(status: int, says: Json | bytes) -> None:
    issuer = Issuer()
    issuer.calls.status, issuer.calls.says = status, says
    for _ in range(10):
        with pytest.raises(Overloaded):
            await issuer.found("old")
    assert len(issuer.calls.sent) == 1
    issuer.calls.status, issuer.calls.says = 200, key_set(OLD)
    issuer.clock.turn(AGAIN_AFTER_TROUBLE_SECONDS)
    assert await issuer.found("old") == 1


async def test_known_keys_hold_while_the_issuer_is_away_but_not_for_ever() -> None:
    issuer = Issuer(OLD)
    assert await issuer.found("old") == 1
    issuer.calls.status = 0
    issuer.clock.turn(86_400)
    assert await issuer.found("old") == 1
    with pytest.raises(Overloaded):
        await issuer.found("new")
    issuer.clock.turn(601)
    with pytest.raises(Overloaded):
        await issuer.found("old")


async def test_a_token_without_a_key_id_needs_the_only_key_that_fits() -> None:
    assert await Issuer(OLD, RSA).found(None) == 1
    assert await Issuer(OLD, RSA).found(None, "RS256") == 1
    assert await Issuer(OLD, NEW).found(None) == 0


async def test_keys_that_share_an_id_are_all_tried_where_they_fit() -> None:
    assert await Issuer(OLD, Signer(kid="old", number=2), Signer("RS256", kid="old")).found("old") == 2


@pytest.mark.parametrize(
    "changed",
    [
        {"use": "enc"},
        {"key_ops": ["encrypt"]},
        {"kty": "oct", "k": "c2VjcmV0"},
        {"crv": "secp256k1"},
        {"x": "AA"},
        {"x": None},
        {"y": 5},
        {"kty": None},
    ],
)
def test_keys_for_other_ends_and_damaged_ones_are_passed_over(changed: dict[str, Json]) -> None:
    said: Json = {"keys": [OLD.jwk(**changed), 7, NEW.jwk()]}
    keys = read_key_set(_dumped(said))
    assert keys is not None
    assert [key.kid for key in keys] == ["new"]


def test_a_weak_rsa_key_and_one_meant_for_another_algorithm_check_nothing() -> None:
    short = rsa.generate_private_key(65_537, 1_024)  # noqa: S505 - weak on purpose
    weak = orjson.loads(RSAAlgorithm.to_jwk(short.public_key()))
    assert read_key_set(_dumped({"keys": [weak]})) == ()
    keys = read_key_set(_dumped({"keys": [RSA.jwk(alg="RS512")]}))
    assert keys is not None
    assert [(key.fits("RS256"), key.fits("RS512")) for key in keys] == [(False, True)]


def test_an_oversized_key_set_is_none() -> None:
    assert read_key_set(_dumped(key_set(OLD)) + b" " * LARGEST) is None


def _dumped(value: Json) -> bytes:
    return orjson.dumps(value)
