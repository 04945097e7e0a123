"""What `python -m dev.keys` does: the same as the admin route, by the same bodies and rules."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from lib.access.key_record import KeyTerms
from lib.contract import JsonObject
from lib.endpoints.keys import term_rules
from lib.errors import GatewayError, StoreError
from lib.site import Site
from lib.web.key_bodies import ChangeBody, CreateBody, RotateBody, read, shown

DONE, REFUSED, UNREADABLE = 0, 1, 2
"""Exit statuses."""
UNIT_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
COLUMNS: Final = ("id", "status", "userId", "tier", "name", "createdAt", "expiresAt", "lastUsedAt")


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command and its options."""
    parser = argparse.ArgumentParser(prog="python -m dev.keys", description="API keys of this deployment")
    commands = parser.add_subparsers(dest="command", required=True, metavar="create|list|change|rotate|revoke")
    create = commands.add_parser("create", help="make a key; it is shown once")
    create.add_argument("--user", required=True, help="the user id it stands for")
    change = commands.add_parser("change", help="change what a key allows")
    for one in (create, change):
        _add_terms(one)
    rotate = commands.add_parser("rotate", help="give a key a new secret; it is shown once")
    rotate.add_argument("--overlap", type=seconds, default=0, help="how long the old one stays valid, such as 1h")
    revoke = commands.add_parser("revoke", help="close a key for good")
    for one in (change, rotate, revoke):
        one.add_argument("id", help="the public id")
    listing = commands.add_parser("list", help="a page of keys, the newest first")
    listing.add_argument("--user", default="", help="of this user only")
    listing.add_argument("--cursor", default="", help="what follows the page that gave it")
    return parser.parse_args(given)


def _add_terms(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", help="what the operator calls it")
    parser.add_argument("--tier", help="in the place of the one the user has")
    parser.add_argument("--daily-budget", type=float, metavar="DOLLARS", help="in the place of the tier's")
    parser.add_argument("--monthly-budget", type=float, metavar="DOLLARS")
    parser.add_argument("--daily-tokens", type=int, metavar="TOKENS", help="in the place of the tier's")
    parser.add_argument("--monthly-tokens", type=int, metavar="TOKENS")
    parser.add_argument("--models", type=words, metavar="A,B", help="the only models it may use")
    parser.add_argument("--tags", type=words, metavar="A,B", help="added to those of each request")
    parser.add_argument("--expires", type=seconds, metavar="30d", help="after this time")


def seconds(text: str) -> int:
    """A time such as `90s`, `15m`, `1h` or `30d`."""
    found = re.fullmatch(r"(\d{1,6})([smhd])", text)
    if found is None:
        raise argparse.ArgumentTypeError("a time looks like 90s, 15m, 1h or 30d")
    return int(found[1]) * UNIT_SECONDS[found[2]]


def words(text: str) -> list[str]:
    """The parts of a list with commas."""
    return [part.strip() for part in text.split(",") if part.strip()]


async def run(site: Site, given: argparse.Namespace) -> int:
    """Do it and print what came of it; the exit status."""
    try:
        print(await said(site, given))
    except GatewayError as error:
        print(f"{error.param}: {error.message}" if error.param else error.message, file=sys.stderr)
        return REFUSED
    except StoreError as error:
        print(f"the store does not answer: {error}", file=sys.stderr)
        return UNREADABLE
    return DONE


async def said(site: Site, given: argparse.Namespace) -> str:
    """The text to print. Raises GatewayError, StoreError."""
    keys, rules, now = site.gateway.api_keys, term_rules(site), site.gateway.world.clock.now()
    match given.command:
        case "create":
            body = read(CreateBody, _body(given, now, userId=given.user))
            issued = await keys.create(body.user_id, rules.terms_of(body, KeyTerms()))
        case "rotate":
            rotation = read(RotateBody, json.dumps({"overlapSeconds": given.overlap}).encode())
            issued = await keys.rotate(given.id, rotation.overlap_seconds)
        case "change":
            change = read(ChangeBody, _body(given, now))
            return _document(shown(await keys.change(given.id, lambda terms: rules.terms_of(change, terms)), now))
        case "revoke":
            return _document(shown(await keys.revoke(given.id), now))
        case _:
            page = await keys.page(given.user, given.cursor)
            lines = [[str(shown(record, now)[name] or "-") for name in COLUMNS] for record in page.records]
            more = [f"more: --cursor {page.cursor}"] if page.cursor else []
            return "\n".join([*("\t".join(line) for line in [[*COLUMNS], *lines]), *more])
    return _document({"key": issued.token, **shown(issued.record, now)})


def _body(given: argparse.Namespace, now: float, **more: str) -> bytes:
    """The options as the route's body."""
    end = datetime.fromtimestamp(now + given.expires, UTC).isoformat() if given.expires is not None else None
    fields = {
        "name": given.name,
        "tier": given.tier,
        "dailyBudgetUsd": given.daily_budget,
        "monthlyBudgetUsd": given.monthly_budget,
        "dailyTokens": given.daily_tokens,
        "monthlyTokens": given.monthly_tokens,
        "models": given.models,
        "tags": given.tags,
        "expiresAt": end,
    }
    return json.dumps(more | {name: value for name, value in fields.items() if value is not None}).encode()


def _document(fields: JsonObject) -> str:
    return json.dumps(fields, indent=2, ensure_ascii=False)
