"""Plans for a model the caller names: what serves, what follows, what is left out and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from lib.answer import Health
from lib.catalog import Catalog
from lib.contract import ChatRequest, RoutingWish
from lib.errors import InvalidRequest, NoModelAvailable, NoProviderConfigured
from tests.support.routing import CATALOG, EVERYONE, TOOL, ask, facts, ids, plan, reasons, show

DEMO = frozenset({"demo"})


def named(
    model: str, *, models: tuple[str, ...] = (), only: tuple[str, ...] = (), order: tuple[str, ...] = ()
) -> ChatRequest:
    return ask("hello", model, routing=RoutingWish(models=models, only=only, order=order))


def test_the_named_model_comes_first_and_its_chain_from_the_catalogue_follows() -> None:
    decided = plan(ask("hello", "openai/gpt-4o"))
    assert ids(decided) == ["openai/gpt-4o", "openai/gpt-4o-mini", "anthropic/claude-sonnet-5-5"]
    assert (decided.requested, decided.substitution, decided.automatic) == ("openai/gpt-4o", "", False)
    assert decided.dropped == ()
    assert decided.reasoning.startswith("openai/gpt-4o was asked for, then openai/gpt-4o-mini")


def test_a_retired_name_is_served_by_its_successor_and_the_plan_says_so() -> None:
    decided = plan(ask("hello", "claude-3-5-sonnet-latest"))
    assert decided.model.id == "anthropic/claude-sonnet-5-5"
    assert "claude-sonnet-5-5" in decided.substitution


def test_a_model_past_its_last_day_is_replaced_by_its_successor() -> None:
    after = facts(now=datetime(2027, 2, 1, tzinfo=UTC).timestamp())
    assert plan(ask("hello", "gpt-4o"), after).model.id == "openai/gpt-6-luna"


def test_the_callers_own_list_replaces_the_catalogues_chain() -> None:
    decided = plan(named("gpt-4o", models=("claude-haiku", "gpt-4o", "claude-haiku", "gemini-flash")))
    assert ids(decided) == ["openai/gpt-4o", "anthropic/claude-haiku-5-5", "google/gemini-3.8-flash"]


def test_an_unknown_name_in_the_callers_list_names_the_field() -> None:
    with pytest.raises(InvalidRequest) as caught:
        plan(named("gpt-4o", models=("claude-haiku", "nonesuch-9000")))
    assert (caught.value.param, caught.value.code) == ("gateway.models[1]", "model_not_found")


def test_an_unknown_model_names_the_field_model() -> None:
    with pytest.raises(InvalidRequest) as caught:
        plan(ask("hello", "nonesuch-9000"))
    assert caught.value.param == "model"


def test_without_fallback_the_chain_is_the_model_alone() -> None:
    request = replace(named("gpt-4o", models=("claude-haiku",)), use_fallback=False)
    assert ids(plan(request)) == ["openai/gpt-4o"]
    assert "no fallback" in plan(request).constraints


def test_the_same_provider_option_keeps_fallbacks_at_home_and_tells_what_it_left_out() -> None:
    decided = plan(replace(ask("hello", "gpt-4o"), same_provider=True))
    assert ids(decided) == ["openai/gpt-4o", "openai/gpt-4o-mini"]
    assert reasons(decided) == {"anthropic/claude-sonnet-5-5": "fallbacks are to stay with openai"}


def test_a_generated_chain_at_home_serves_where_the_fixed_one_is_abroad() -> None:
    decided = plan(replace(ask("hello", "claude-sonnet"), same_provider=True))
    assert {row.provider for row in decided.chain} == {"anthropic"}
    assert len(decided.chain) > 1


def test_fallbacks_of_providers_without_a_key_are_left_out_with_the_reason() -> None:
    decided = plan(ask("hello", "gpt-4o"), facts(frozenset({"openai"})))
    assert ids(decided) == ["openai/gpt-4o", "openai/gpt-4o-mini"]
    assert reasons(decided) == {"anthropic/claude-sonnet-5-5": "no key configured"}


def test_a_preferred_provider_comes_first_among_the_fallbacks() -> None:
    decided = plan(named("gpt-4o", order=("anthropic",)))
    assert ids(decided) == ["openai/gpt-4o", "anthropic/claude-sonnet-5-5", "openai/gpt-4o-mini"]


def test_a_named_model_without_a_key_gives_way_to_its_chain_and_says_why() -> None:
    decided = plan(ask("hello", "gpt-4o"), facts(frozenset({"anthropic"})))
    assert ids(decided) == ["anthropic/claude-sonnet-5-5"]
    assert reasons(decided)["openai/gpt-4o"] == "no key configured"
    assert "cannot serve this request (no key configured)" in decided.reasoning


def test_a_chain_none_of_whose_providers_has_a_key_is_replaced_by_one_that_can_serve() -> None:
    decided = plan(ask("hello", "gpt-4o"), facts(frozenset({"google", "xai"})))
    assert decided.chain
    assert {row.provider for row in decided.chain} <= {"google", "xai"}


def test_a_chain_none_of_whose_providers_is_allowed_is_replaced_by_one_of_allowed_ones() -> None:
    decided = plan(named("gpt-4o", only=("xai", "google")), facts(EVERYONE))
    assert {row.provider for row in decided.chain} == {"xai", "google"}
    assert plan(ask("hello", "gpt-4o"), facts(EVERYONE)).chain[1].provider == "openai"


def test_only_and_a_named_model_of_another_provider_leave_the_fallbacks() -> None:
    decided = plan(named("gpt-4o", only=("anthropic",)))
    assert {row.provider for row in decided.chain} == {"anthropic"}
    assert reasons(decided)["openai/gpt-4o"] == "provider is not in only (anthropic)"


def test_an_image_for_a_model_without_eyes_goes_to_one_that_sees() -> None:
    decided = plan(show(model="deepseek-v4-flash"))
    assert all("vision" in row.capabilities for row in decided.chain)
    assert reasons(decided)["deepseek/deepseek-v4-flash"] == "has no vision, and the messages hold images"


def test_any_model_that_fits_is_the_last_resort_of_a_chain_that_does_not() -> None:
    blind = CATALOG.model("groq/gpt-oss-20b")
    seeing = replace(blind, id="groq/seeing", wire_name="seeing", capabilities=frozenset({"vision"}), quality=5)
    catalog = Catalog.build((*CATALOG.models, seeing))
    groq = facts(frozenset({"groq"}))
    for at_home in (False, True):
        request = replace(show(model="groq/gpt-oss-120b"), same_provider=at_home)
        assert ids(plan(request, groq, catalog)) == ["groq/seeing"]
    with pytest.raises(NoModelAvailable):
        plan(replace(show(model="groq/gpt-oss-120b"), use_fallback=False), groq, catalog)


def test_without_a_last_resort_the_missing_ability_is_named() -> None:
    request = replace(ask("hello", "demo/echo"), tools=(TOOL,))
    assert ids(plan(request, facts(frozenset({"demo", "openai"})))) == ["demo/echo"]
    with pytest.raises(NoModelAvailable) as caught:
        plan(show(model="deepseek-v4-flash"), facts(frozenset({"deepseek"})))
    assert (caught.value.status, caught.value.param) == (400, "messages")
    assert "has no vision" in caught.value.message


def test_a_named_model_that_is_down_goes_last_and_a_degraded_one_stays_first() -> None:
    down = facts(health={"openai/gpt-4o": Health.DOWN})
    assert ids(plan(ask("hello", "gpt-4o"), down))[-1] == "openai/gpt-4o"
    degraded = facts(health={"openai/gpt-4o": Health.DEGRADED})
    assert ids(plan(ask("hello", "gpt-4o"), degraded))[0] == "openai/gpt-4o"


def test_without_fallback_a_named_model_without_a_key_is_the_servers_fault() -> None:
    request = replace(ask("hello", "gpt-4o"), use_fallback=False)
    with pytest.raises(NoModelAvailable) as caught:
        plan(request, facts(frozenset({"anthropic"})))
    assert (caught.value.status, caught.value.type, caught.value.param) == (503, "server_error", None)
    assert caught.value.message == "no model can serve this request (openai/gpt-4o: no key configured)"


def test_a_list_of_fallbacks_is_never_extended() -> None:
    with pytest.raises(NoModelAvailable):
        plan(named("gpt-4o", models=("xai/grok-4.7",)), facts(frozenset({"anthropic"})))


def test_the_size_of_a_named_models_window_is_left_to_its_provider_unless_it_is_certain() -> None:
    window = CATALOG.model("openai/gpt-4o").context_window
    near = replace(ask("word " * int(window * 0.98 * 0.8), "gpt-4o"), max_tokens=900_000)
    assert plan(near).model.id == "openai/gpt-4o"
    far = ask("word " * (window * 2), "gpt-4o")
    decided = plan(far)
    assert decided.model.id != "openai/gpt-4o"
    assert "is below the" in reasons(decided)["openai/gpt-4o"]


def test_no_provider_at_all_is_an_error_of_its_own_and_tells_the_operator_what_to_set() -> None:
    with pytest.raises(NoProviderConfigured) as caught:
        plan(ask("hello"), facts(frozenset()))
    assert caught.value.status == 503
    assert "OPENAI_API_KEY" in caught.value.detail
    assert "OPENAI_API_KEY" not in caught.value.message


@pytest.mark.parametrize("model", ["auto", "gpt-4o", "anthropic/claude-opus-5-5", "demo/echo"])
def test_with_the_demo_alone_every_model_is_answered_by_it(model: str) -> None:
    request = replace(ask("hello", model), tools=(TOOL,), max_tokens=100_000, use_fallback=False)
    decided = plan(request, facts(DEMO))
    assert ids(decided) == ["demo/echo"]
    assert decided.automatic == (model == "auto")
    stands_in = model not in ("auto", "demo/echo")
    assert bool(decided.substitution) == stands_in
    assert list(reasons(decided).values()) == (["no key configured"] if stands_in else [])


def test_the_demo_does_not_answer_for_a_model_that_does_not_exist_or_another_only_provider() -> None:
    with pytest.raises(InvalidRequest):
        plan(ask("hello", "nonesuch-9000"), facts(DEMO))
    with pytest.raises(NoModelAvailable) as caught:
        plan(named("gpt-4o", only=("openai",)), facts(DEMO))
    assert caught.value.param == "gateway.only"


def test_beside_real_providers_the_demo_serves_only_who_names_it_and_has_no_fallback() -> None:
    known = facts(frozenset({"demo", "openai"}))
    assert ids(plan(ask("hello", "demo/echo"), known)) == ["demo/echo"]
    assert "demo/echo" not in ids(plan(ask("hello", "xai/grok-4.7"), known))


def test_a_retired_model_without_a_successor_is_left_out() -> None:
    rows = tuple(replace(row, retires=date(2026, 1, 1)) if row.id == "xai/grok-4.7" else row for row in CATALOG.models)
    decided = plan(ask("hello", "grok-4.7"), facts(frozenset({"xai", "openai"})), Catalog.build(rows))
    assert reasons(decided)["xai/grok-4.7"] == "retired on 2026-01-01"
