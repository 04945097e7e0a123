"""A caller whose credential allows some models only."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time

import pytest

from lib.ai.plan import RouteFacts
from lib.contract import RoutingWish
from lib.errors import InvalidRequest, NoModelAvailable, PermissionDenied
from tests.support.routing import CATALOG, ask, facts, ids, plan, reasons

REASON = "the API key does not allow it"


def allowed(*models: str, providers: frozenset[str] | None = None) -> RouteFacts:
    known = facts() if providers is None else facts(providers)
    return replace(known, models=models)


@pytest.mark.parametrize("name", ["claude-sonnet-5-5", "anthropic/claude-sonnet-5-5", "Claude-Sonnet-5-5"])
def test_a_model_outside_is_refused_by_name_whatever_may_fall_back(name: str) -> None:
    with pytest.raises(PermissionDenied) as caught:
        plan(ask("hi", name), allowed("openai/gpt-4o", "openai/gpt-4o-mini"))
    error = caught.value
    assert (error.status, error.code, error.param) == (403, "model_not_allowed", "model")
    assert "openai/gpt-4o, openai/gpt-4o-mini" in error.message


def test_an_unknown_model_stays_unknown() -> None:
    with pytest.raises(InvalidRequest) as caught:
        plan(ask("hi", "gpt-nope"), allowed("openai/gpt-4o"))
    assert caught.value.code == "model_not_found"


def test_fallbacks_are_among_the_allowed_and_the_plan_says_what_was_left_out() -> None:
    decided = plan(ask("hi", "gpt-4o"), allowed("openai/gpt-4o"))
    assert ids(decided) == ["openai/gpt-4o"]
    assert REASON in reasons(decided).values()


def test_listed_fallbacks_outside_are_dropped_with_the_reason() -> None:
    wish = RoutingWish(models=("anthropic/claude-sonnet-5-5", "openai/gpt-4o-mini"))
    decided = plan(ask("hi", "gpt-4o", routing=wish), allowed("openai/gpt-4o", "openai/gpt-4o-mini"))
    assert ids(decided) == ["openai/gpt-4o", "openai/gpt-4o-mini"]
    assert reasons(decided)["anthropic/claude-sonnet-5-5"] == REASON


def test_the_router_chooses_among_the_allowed() -> None:
    allowance = ("openai/gpt-4o", "anthropic/claude-haiku-5-5")
    decided = plan(ask("Write a Python function that sorts a list."), allowed(*allowance))
    assert set(ids(decided)) <= set(allowance)
    assert reasons(decided)["google/gemini-3.8-flash"] == REASON


def test_where_nothing_allowed_can_serve_the_error_says_so() -> None:
    with pytest.raises(NoModelAvailable) as caught:
        plan(ask("hi"), allowed("openai/gpt-4o", providers=frozenset({"anthropic"})))
    assert (caught.value.status, caught.value.param) == (400, "model")
    assert REASON in caught.value.message


def test_whoever_may_use_a_model_may_use_its_successor_once_it_has_retired() -> None:
    retiring = next(row for row in CATALOG.models if row.retires and row.successor)
    allowance = allowed(retiring.id)
    with pytest.raises(PermissionDenied):
        plan(ask("hi", retiring.successor), allowance)
    assert retiring.retires is not None
    later = datetime.combine(retiring.retires, time(), UTC).timestamp()
    for name in (retiring.id, retiring.successor):
        assert ids(plan(ask("hi", name), replace(allowance, now=later))) == [retiring.successor]


def test_a_model_that_left_the_catalogue_allows_nothing_else() -> None:
    with pytest.raises(PermissionDenied):
        plan(ask("hi", "gpt-4o"), allowed("openai/gone"))


def test_in_a_demonstration_the_demo_stands_in_for_what_is_allowed_and_for_nothing_else() -> None:
    only_demo = frozenset({"demo"})
    assert ids(plan(ask("hi", "gpt-4o"), allowed("openai/gpt-4o", providers=only_demo))) == ["demo/echo"]
    with pytest.raises(PermissionDenied):
        plan(ask("hi", "gpt-4o-mini"), allowed("openai/gpt-4o", providers=only_demo))


def test_without_a_list_everything_is_allowed() -> None:
    assert REASON not in reasons(plan(ask("hi", "gpt-4o"), allowed())).values()
