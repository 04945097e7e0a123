"""`python -m dev.keys`: what an operator types and what comes of it."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeAlias

import pytest

from dev.keys.command import DONE, REFUSED, UNREADABLE, arguments, run, seconds
from lib.access.key_record import KeyTerms
from lib.contract import JsonObject
from tests.support.asgi_transport import AsgiTransport
from tests.support.clock import START
from tests.support.deployment import Instance, deployed
from tests.support.faulty_kv import Fault, FaultyKv

Typed: TypeAlias = Callable[..., Awaitable[tuple[int, str]]]


@pytest.fixture
async def here() -> AsyncGenerator[Instance]:
    async with deployed() as site:
        yield site.instance()


@pytest.fixture
def typed(here: Instance, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Runs a command line; its exit status and all that it printed."""

    async def type_(*words: str) -> tuple[int, str]:
        status = await run(here.site, arguments(words))
        printed = capsys.readouterr()
        return status, printed.out + printed.err

    return type_


async def made(typed: Typed, *words: str) -> JsonObject:
    status, text = await typed("create", "--user", "ann", *words)
    assert status == DONE
    document: JsonObject = json.loads(text)
    return document


async def test_a_key_is_made_with_all_that_it_allows(here: Instance, typed: Typed) -> None:
    options = "--name n --tier pro --daily-budget 1.50 --monthly-budget 20 --models gpt-4o,gpt-4o-mini --tags x,y"
    key = await made(typed, *options.split(), "--expires", "30d")
    token = here.gateway.api_keys.token_in(str(key["key"]))
    assert token is not None
    record = await here.gateway.api_keys.get(token.id)
    assert record.user_id == "ann"
    assert record.terms == KeyTerms(
        name="n",
        tier="pro",
        daily_budget_micro_usd=1_500_000,
        monthly_budget_micro_usd=20_000_000,
        models=("openai/gpt-4o", "openai/gpt-4o-mini"),
        tags=("x", "y"),
        expires_at=int(START) + 30 * 86_400,
    )


async def test_a_list_shows_ids_and_no_secrets(typed: Typed) -> None:
    key = await made(typed)
    status, text = await typed("list", "--user", "ann")
    assert status == DONE
    assert str(key["id"]) in text
    assert str(key["key"]) not in text
    assert (await typed("list", "--user", "bob"))[1].count("\n") == 1


async def test_a_long_list_says_how_to_go_on(here: Instance, typed: Typed) -> None:
    for _ in range(51):
        await here.gateway.api_keys.create("ann", KeyTerms())
    _, text = await typed("list")
    *_, more = text.splitlines()
    rest = await typed("list", *more.removeprefix("more: ").split())
    assert len(rest[1].splitlines()) == 2


async def test_a_key_is_changed_rotated_and_revoked(here: Instance, typed: Typed) -> None:
    key = str((await made(typed, "--name", "n"))["id"])
    assert (await typed("change", key, "--daily-budget", "5"))[0] == DONE
    status, text = await typed("rotate", key, "--overlap", "1h")
    assert status == DONE
    assert json.loads(text)["oldSecretUntil"] == "2026-11-24T13:00:00Z"
    assert (await typed("revoke", key))[0] == DONE
    record = await here.gateway.api_keys.get(key)
    assert (record.terms.name, record.terms.daily_budget_micro_usd, record.revoked_at) == ("n", 5_000_000, int(START))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("create", "--user", "ann", "--tier", "emperor"), "tier: "),
        (("create", "--user", "ann", "--models", "gpt-nope"), "models[0]: "),
        (("create", "--user", ""), "userId: "),
        (("rotate", "0" * 16), "There is no key of that id."),
        (("rotate", "0" * 16, "--overlap", "31d"), "overlapSeconds: "),
        (("list", "--cursor", "x"), "cursor: "),
    ],
)
async def test_what_cannot_be_done_is_told_by_the_fields_name(typed: Typed, words: tuple[str, ...], said: str) -> None:
    status, text = await typed(*words)
    assert status == REFUSED
    assert text.startswith(said)


async def test_without_the_store_nothing_is_done_and_the_status_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    async with deployed() as site:
        store = FaultyKv(site.store)
        store.always = Fault.DROP
        here = site.instance(kv_transport=AsgiTransport(store))
        assert await run(here.site, arguments(["list"])) == UNREADABLE
        assert "the store does not answer" in capsys.readouterr().err


@pytest.mark.parametrize(("text", "expected"), [("90s", 90), ("15m", 900), ("1h", 3_600), ("30d", 2_592_000)])
def test_times_are_written_as_people_write_them(text: str, expected: int) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize(
    "words", [["create"], ["rotate", "x", "--overlap", "1y"], ["rotate", "x", "--overlap", "-1h"], []]
)
def test_a_command_line_that_means_nothing_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        arguments(words)
    assert "usage" in capsys.readouterr().err
