"""The catalogue: what is in it, which model a name means, and what follows a model that fails."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from lib.catalog import Catalog, ModelRow, PriceBook, Protocol, ProviderRow
from lib.catalog.aliases import ALIASES
from lib.errors import InvalidRequest, SettingsError
from lib.tiers import CLASS_LIMITS

TODAY = date(2026, 11, 24)
NOW = 1_795_478_400.0  # noon UTC of that day
CATALOG = Catalog.build()


def row(model_id: str) -> ModelRow:
    provider, _, wire_name = model_id.partition("/")
    return ModelRow(
        id=model_id,
        provider=provider,
        wire_name=wire_name,
        context_window=1000,
        max_output=100,
        capabilities=frozenset({"stream"}),
        quality=3,
        speed=3,
    )


def provider(provider_id: str) -> ProviderRow:
    return ProviderRow(id=provider_id, protocol=Protocol.OPENAI, base_url="https://example.test/v1")


def test_at_least_22_models_can_serve_and_the_demo_is_one_more() -> None:
    assert len([row for row in CATALOG.models if row.provider != "demo"]) >= 22
    assert CATALOG.model("demo/echo").provider == "demo"


def test_every_model_has_a_known_price_but_the_customers_own() -> None:
    book = PriceBook()
    unknown = [row.id for row in CATALOG.models if book.price_of(row, "", NOW) is None]
    assert unknown == ["crowelogic/mini"]


@pytest.mark.parametrize(
    ("model_id", "dollars"),
    [
        ("openai/gpt-6-luna", (0.10, 0.50)),
        ("openai/gpt-6.1-sol", (2, 10)),
        ("openai/gpt-5.6-terra", (2, 12)),
        ("openai/gpt-4o", (2.5, 10)),
        ("openai/gpt-4o-mini", (0.15, 0.60)),
        ("anthropic/claude-haiku-5-5", (0.10, 0.50)),
        ("anthropic/claude-fable-5-2", (8, 40)),
        ("google/gemini-3.8-flash", (0.75, 3.75)),
        ("deepseek/deepseek-v4-pro", (0.66, 1.98)),
        ("xai/grok-4.7", (2, 6)),
        ("mistral/mistral-medium-3.5", (1.5, 7.5)),
        ("moonshot/kimi-k3", (3, 15)),
        ("groq/gpt-oss-20b", (0.075, 0.30)),
        ("demo/echo", (0, 0)),
    ],
)
def test_list_prices_are_those_of_november_2026(model_id: str, dollars: tuple[float, float]) -> None:
    assert PriceBook().usd_per_million(CATALOG.model(model_id), NOW) == dollars


@pytest.mark.parametrize(
    ("name", "served_by"),
    [
        ("gpt-4o", "openai/gpt-4o"),
        ("GPT-4o ", "openai/gpt-4o"),
        ("gpt-4o-2024-08-06", "openai/gpt-4o"),
        ("gpt-4o-latest", "openai/gpt-4o"),
        ("gpt-4o-mini", "openai/gpt-4o-mini"),
        ("o1", "openai/gpt-6.1-sol"),
        ("o1-preview", "openai/gpt-6.1-sol"),
        ("openai/o1-2024-12-17", "openai/gpt-6.1-sol"),
        ("o3-mini", "openai/gpt-6.1-terra"),
        ("claude-3.5-sonnet", "anthropic/claude-sonnet-5-5"),
        ("claude-3-5-sonnet-20241022", "anthropic/claude-sonnet-5-5"),
        ("anthropic/claude-3-5-sonnet-latest", "anthropic/claude-sonnet-5-5"),
        ("claude-opus", "anthropic/claude-opus-5-5"),
        ("claude-3-opus-20240229", "anthropic/claude-opus-5-5"),
        ("claude-opus-4-1", "anthropic/claude-opus-5-5"),
        ("claude-haiku", "anthropic/claude-haiku-5-5"),
        ("claude-3-5-haiku-20241022", "anthropic/claude-haiku-5-5"),
        ("claude-haiku-4-5-20251001", "anthropic/claude-haiku-4-5"),
        ("gemini-1.5-pro", "google/gemini-3.8-flash"),
        ("gemini-2.0-flash", "google/gemini-3.5-flash-lite"),
        ("deepseek-coder", "deepseek/deepseek-v4-flash"),
        ("crowelogic/mini", "crowelogic/mini"),
        ("x-ai/grok-4.7", "xai/grok-4.7"),
        ("moonshotai/kimi-k3", "moonshot/kimi-k3"),
        ("openai/gpt-oss-120b", "groq/gpt-oss-120b"),
        ("groq/openai/gpt-oss-120b", "groq/gpt-oss-120b"),
    ],
)
def test_older_names_and_other_spellings_are_accepted(name: str, served_by: str) -> None:
    assert CATALOG.resolve(name, TODAY).model.id == served_by


def test_an_alias_names_a_model_that_exists() -> None:
    assert {alias.target for alias in ALIASES} <= {row.id for row in CATALOG.models}


def test_no_alias_is_hidden_by_an_earlier_one() -> None:
    for position, alias in enumerate(ALIASES):
        assert not any(earlier.matches(alias.pattern.rstrip("*")) for earlier in ALIASES[:position]), alias


def test_a_model_named_by_its_id_is_no_substitution_and_any_other_name_says_what_serves_it() -> None:
    assert CATALOG.resolve("openai/gpt-4o", TODAY).substitution == ""
    assert CATALOG.resolve("gpt-4o", TODAY).substitution == "gpt-4o is openai/gpt-4o"
    assert CATALOG.resolve("o1", TODAY).substitution == "o1 is no longer offered; served by openai/gpt-6.1-sol"


def test_a_model_serves_until_the_day_it_retires_and_its_successor_from_then_on() -> None:
    assert CATALOG.resolve("gpt-4o", date(2027, 1, 13)).model.id == "openai/gpt-4o"
    later = CATALOG.resolve("gpt-4o", date(2027, 1, 14))
    assert later.model.id == "openai/gpt-6-luna"
    assert later.substitution == "openai/gpt-4o was retired on 2027-01-14; served by openai/gpt-6-luna"


def test_limits_and_chains_outlive_the_model_they_were_named_after() -> None:
    later = CATALOG.resolve("gpt-4o", date(2027, 1, 14)).model
    assert later.limit_class == "gpt-4o"
    assert CATALOG.chain_for(later, today=date(2027, 1, 14)) == ("anthropic/claude-sonnet-5-5",)
    assert CATALOG.resolve("gpt-6-luna", date(2027, 1, 14)).model.limit_class == ""


def test_successors_are_followed_to_one_that_is_still_there() -> None:
    catalog = Catalog.build(
        (
            replace(row("a/one"), retires=date(2026, 1, 1), successor="a/two"),
            replace(row("a/two"), retires=date(2026, 6, 1), successor="a/three"),
            row("a/three"),
        ),
        (provider("a"),),
        (),
    )
    assert catalog.resolve("one", TODAY).model.id == "a/three"
    assert catalog.resolve("one", date(2026, 3, 1)).model.id == "a/two"


def test_successors_in_a_circle_end() -> None:
    gone = date(2026, 1, 1)
    one = replace(row("a/one"), retires=gone, successor="a/two")
    two = replace(row("a/two"), retires=gone, successor="a/one")
    assert Catalog.build((one, two), (provider("a"),), ()).resolve("a/one", TODAY).model.id in {"a/one", "a/two"}


def test_an_unknown_model_is_the_callers_error_and_near_names_are_listed() -> None:
    with pytest.raises(InvalidRequest, match=r"near names: .*openai/gpt-4o") as caught:
        CATALOG.resolve("gpt4o", TODAY)
    assert (caught.value.param, caught.value.code, caught.value.status) == ("model", "model_not_found", 400)


@pytest.mark.parametrize(
    "name", ["", "/", "openai/", "anthropic/gpt-4o", "anthropic/o1", "x" * 100_000, "\N{SNOWMAN}", "gpt-4o/gpt-4o"]
)
def test_an_unknown_model_of_any_shape_gives_a_short_error(name: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        CATALOG.resolve(name, TODAY)
    assert len(caught.value.message) < 400


@pytest.mark.parametrize(
    ("model_id", "chain"),
    [
        ("openai/gpt-4o", ("openai/gpt-4o-mini", "anthropic/claude-sonnet-5-5")),
        ("anthropic/claude-sonnet-5-5", ("openai/gpt-4o", "google/gemini-3.1-pro-preview")),
        ("openai/gpt-6.1-sol", ("openai/gpt-4o", "anthropic/claude-sonnet-5-5")),
    ],
)
def test_the_documented_chains_stand(model_id: str, chain: tuple[str, ...]) -> None:
    assert CATALOG.chain_for(CATALOG.model(model_id)) == chain


def test_every_other_model_gets_a_chain_of_other_models_that_can_do_as_much() -> None:
    for model in CATALOG.models:
        chain = CATALOG.chain_for(model)
        assert model.id not in chain
        assert "demo/echo" not in chain
        assert len(chain) == len(set(chain))
        if not model.chain and model.provider != "demo":
            assert len(chain) == 3
            assert all(model.capabilities <= CATALOG.model(name).capabilities for name in chain)


def test_a_generated_chain_starts_with_equals_of_other_providers() -> None:
    assert CATALOG.chain_for(CATALOG.model("anthropic/claude-opus-5-5"))[:2] == (
        "openai/gpt-6.1-sol",
        "google/gemini-4-argon",
    )


def test_a_generated_chain_spreads_over_providers() -> None:
    chain = CATALOG.chain_for(CATALOG.model("google/gemini-3.8-flash"))
    assert len({name.partition("/")[0] for name in chain}) == 3


def test_a_chain_is_made_of_the_providers_at_hand() -> None:
    sonnet = CATALOG.model("anthropic/claude-sonnet-5-5")
    assert CATALOG.chain_for(sonnet, providers={"anthropic", "google"}) == ("google/gemini-3.1-pro-preview",)
    assert CATALOG.chain_for(sonnet, providers={"anthropic"}) == ("anthropic/claude-opus-5-5",)
    assert CATALOG.chain_for(sonnet, providers=set()) == ()


def test_a_chain_holds_no_retired_model_and_none_twice() -> None:
    after = date(2027, 1, 14)
    mini, sonnet = CATALOG.model("openai/gpt-4o"), CATALOG.model("anthropic/claude-sonnet-5-5")
    assert CATALOG.chain_for(mini, today=after) == ("openai/gpt-6-luna", "anthropic/claude-sonnet-5-5")
    assert CATALOG.chain_for(sonnet, today=after) == ("openai/gpt-6-luna", "google/gemini-3.1-pro-preview")
    oss = CATALOG.chain_for(CATALOG.model("groq/gpt-oss-20b"), today=after)
    assert not {"openai/gpt-4o", "openai/gpt-4o-mini"} & set(oss)


def test_a_generated_chain_holds_neither_the_demo_nor_a_retired_model() -> None:
    gone = replace(row("b/old"), retires=date(2026, 1, 1))
    rows = (row("a/one"), gone, row("b/new"), row("demo/echo"))
    catalog = Catalog.build(rows, (provider("a"), provider("b"), provider("demo")), ())
    everywhere = {"a", "b", "demo"}
    assert catalog.chain_for(rows[0], today=TODAY, providers=everywhere) == ("b/new",)
    assert catalog.chain_for(rows[0], today=date(2025, 12, 31), providers=everywhere) == ("b/old",)


def test_the_demo_falls_back_to_nothing_that_costs() -> None:
    assert CATALOG.chain_for(CATALOG.model("demo/echo")) == ()


def test_a_limit_class_of_a_model_is_one_that_has_a_limit() -> None:
    assert {row.limit_class for row in CATALOG.models} - {""} == {row.name for row in CLASS_LIMITS}


@pytest.mark.parametrize(
    ("model_id", "dropped", "max_tokens_name"),
    [
        ("openai/gpt-6.1-sol", {"temperature", "top_p", "stop"}, "max_completion_tokens"),
        ("openai/gpt-6-luna", {"temperature", "stop"}, "max_completion_tokens"),
        ("openai/gpt-4o", set[str](), "max_tokens"),
        ("anthropic/claude-haiku-5-5", {"temperature", "top_p", "top_k"}, "max_tokens"),
        ("anthropic/claude-haiku-4-5", set[str](), "max_tokens"),
        ("google/gemini-3.8-flash", {"temperature", "top_p"}, "max_tokens"),
        ("google/gemini-3.1-pro-preview", set[str](), "max_tokens"),
    ],
)
def test_parameters_a_model_rejects_are_marked(model_id: str, dropped: set[str], max_tokens_name: str) -> None:
    params = CATALOG.model(model_id).params
    assert params.drop == dropped
    assert params.max_tokens_name == max_tokens_name


def test_models_that_always_think_take_no_forced_tool_choice_and_new_claude_models_no_prefill() -> None:
    no_force = {row.id for row in CATALOG.models if not row.params.forced_tool_choice}
    no_prefill = {row.id for row in CATALOG.models if not row.params.prefill}
    assert no_force == {"anthropic/claude-opus-5-5", "anthropic/claude-sonnet-5-5"}
    assert no_prefill == no_force | {"anthropic/claude-haiku-5-5", "anthropic/claude-fable-5-2"}


def test_of_rows_with_one_id_the_last_counts() -> None:
    catalog = Catalog.build((row("a/one"), replace(row("a/one"), quality=5)), (provider("a"),), ())
    assert [model.quality for model in catalog.models] == [5]


def test_a_bare_name_that_two_providers_share_means_the_first() -> None:
    catalog = Catalog.build((row("a/one"), row("b/one")), (provider("a"), provider("b")), ())
    assert catalog.resolve("one", TODAY).model.id == "a/one"
    assert catalog.resolve("b/one", TODAY).model.id == "b/one"


@pytest.mark.parametrize(
    ("broken", "names"),
    [
        (row("nowhere/one"), "provider nowhere does not exist"),
        (replace(row("a/one"), chain=("a/two",)), "a/two"),
        (replace(row("a/one"), successor="a/three"), "a/three"),
    ],
)
def test_a_catalogue_that_points_nowhere_is_refused(broken: ModelRow, names: str) -> None:
    with pytest.raises(SettingsError, match=names):
        Catalog.build((broken,), (provider("a"),), ())
