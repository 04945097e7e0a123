"""The description and the routes are the same: every path, every method, every schema that is referred to."""

from __future__ import annotations

import json
from typing import Final

import pytest

from lib.ai.providers.values import list_of, object_of, text_of
from lib.app import app_of
from lib.contract import Json, JsonObject
from lib.web.openapi.document import About, document
from lib.web.openapi.operations import OPERATIONS
from lib.web.openapi.rows import Operation
from lib.web.shell import Route
from tests.support.asgi_client import json_object, request
from tests.support.deployment import deployed
from tests.support.routes import functions, routes_in, routes_of

ABOUT: Final = About("1.2.3", ("free", "pro"), anonymous=False)
METHODS: Final = frozenset({"GET", "PUT", "POST", "PATCH", "DELETE"})


def is_of(route: Route, row: Operation) -> bool:
    """Whether the row's path, with anything in its gaps, is the route's."""
    return route.takes(row.path.replace("{", "").replace("}", ""))


async def test_every_route_is_described_and_every_description_has_a_route() -> None:
    async with deployed() as site:
        routes = routes_of(site.instance().site)
    undescribed = [route.path for route in routes if not any(is_of(route, row) for row in OPERATIONS)]
    unserved = [row.path for row in OPERATIONS if not any(is_of(route, row) for route in routes)]
    assert (undescribed, unserved) == ([], [])


async def test_the_methods_of_each_path_are_those_that_its_route_takes() -> None:
    async with deployed() as site:
        here = site.instance().site
        apps = {name: app_of(here, name) for name in functions()}
        for path in dict.fromkeys(row.path for row in OPERATIONS):
            rows = [row for row in OPERATIONS if row.path == path]
            name = next(n for n in functions() if any(is_of(r, rows[0]) for r in routes_in(n, here)))
            allowed = (await request(apps[name], "OPTIONS", path.replace("{", "").replace("}", ""))).headers["allow"]
            described = {row.method.upper() for row in rows}
            assert described <= set(allowed.split(", ")), path
            if "/batch/" not in path:  # one app answers all paths below it, each with methods of its own
                assert described == set(allowed.split(", ")) & METHODS, path


def references(value: Json) -> set[str]:
    if isinstance(value, list):
        return {found for item in value for found in references(item)}
    if not isinstance(value, dict):
        return set()
    own = {text_of(value["$ref"])} if isinstance(value.get("$ref"), str) else set[str]()
    return own.union(*(references(item) for item in value.values()))


def test_every_schema_that_is_referred_to_is_there_and_no_other() -> None:
    described = document(ABOUT)
    schemas = set(object_of(object_of(described["components"])["schemas"]))
    prefix = "#/components/schemas/"
    assert {found.removeprefix(prefix) for found in references(described)} == schemas


def test_names_of_operations_and_schemas_are_plain_and_not_repeated() -> None:
    described = document(ABOUT)
    operations = [
        object_of(each) for path in object_of(described["paths"]).values() for each in object_of(path).values()
    ]
    ids = [text_of(operation["operationId"]) for operation in operations]
    assert len(set(ids)) == len(ids) == len(OPERATIONS)
    assert all("__" not in name for name in object_of(object_of(described["components"])["schemas"]))


def test_every_operation_says_who_may_call_it() -> None:
    described = document(ABOUT)
    schemes = object_of(object_of(described["components"])["securitySchemes"])
    for row in OPERATIONS:
        operation = object_of(object_of(object_of(described["paths"])[row.path])[row.method])
        named = [name for entry in list_of(operation["security"]) for name in object_of(entry)]
        assert set(named) <= set(schemes)
        assert ("401" in object_of(operation["responses"])) is bool(row.security)


def test_anonymous_callers_are_told_where_they_are_let_in() -> None:
    chat = object_of(object_of(object_of(document(ABOUT)["paths"])["/api/ai/v2/chat"])["post"])
    assert {} not in list_of(chat["security"])
    open_to_all = document(About("1.2.3", ("free",), anonymous=True))
    chat = object_of(object_of(object_of(open_to_all["paths"])["/api/ai/v2/chat"])["post"])
    assert {} in list_of(chat["security"])
    admin = object_of(object_of(object_of(open_to_all["paths"])["/api/ai/stats"])["get"])
    assert {} not in list_of(admin["security"])


async def test_the_description_is_public_unless_it_is_switched_off() -> None:
    async with deployed() as site:
        app = site.instance().app("diagnostics")
        response = await request(app, "GET", "/api/ai/openapi.json")
        assert (response.status, response.headers["content-type"]) == (200, "application/json")
        assert json_object(response.body)["openapi"] == "3.1.0"
        hidden = site.instance(API_DOCS="off").app("diagnostics")
        assert (await request(hidden, "GET", "/api/ai/openapi.json")).status == 404


@pytest.mark.parametrize("word", ["lib.", "/work", "password"])
def test_nothing_of_the_inside_shows(word: str) -> None:
    assert word not in json.dumps(document(ABOUT))


def test_openais_body_has_openais_names() -> None:
    body: JsonObject = object_of(object_of(object_of(document(ABOUT)["components"])["schemas"])["CompletionBody"])
    properties = object_of(body["properties"])
    assert {"model", "max_tokens", "tool_choice", "response_format", "stream_options"} <= properties.keys()
    assert all(name == name.lower() for name in properties)
