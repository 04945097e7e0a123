"""Settings: defaults, what each variable takes, secrets that stay secret, and what follows from them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lib.catalog import PriceBook
from lib.errors import SettingsError
from lib.settings import GROUPS, Access, Cache, Settings
from scripts import settings_table

VERCEL = {"VERCEL": "1", "VERCEL_ENV": "production"}


def keys(env: dict[str, str]) -> dict[str, str]:
    settings = Settings.from_env(env)
    return dict(settings.provider_keys(settings.catalog()))


def test_nothing_set_means_development_with_the_documented_defaults() -> None:
    settings = Settings.from_env({})
    assert not settings.environment.production
    assert not settings.environment.on_vercel
    assert (settings.retry.max_attempts, settings.retry.base_seconds, settings.retry.max_seconds) == (3, 1.0, 30.0)
    assert (settings.retry.breaker_failures, settings.retry.breaker_open_seconds) == (5, 60.0)
    assert (settings.dedup.window_seconds, settings.dedup.lease_seconds) == (5, 10)
    assert settings.dedup.idempotency_seconds == 86_400
    assert (settings.cache.enabled, settings.cache.scope, settings.cache.max_entry_bytes) == (True, "user", 262_144)
    assert settings.kv.namespace == "aig"
    assert (settings.routing.default_model, settings.routing.baseline_model) == ("auto", "openai/gpt-4o")
    assert settings.routing.price_ceiling == (75.0, 150.0)
    assert settings.timeouts.total_seconds == 120.0


@pytest.mark.parametrize(
    ("env", "production"),
    [
        ({}, False),
        (VERCEL, True),
        ({"VERCEL": "1", "VERCEL_ENV": "preview"}, True),
        ({"VERCEL": "1"}, True),
        ({"VERCEL": "1", "VERCEL_ENV": "development"}, False),
        ({"GATEWAY_ENV": "production"}, True),
        ({**VERCEL, "GATEWAY_ENV": "development"}, False),
    ],
)
def test_whatever_strangers_can_reach_is_production(env: dict[str, str], production: bool) -> None:
    assert Settings.from_env(env).environment.production is production


def test_what_is_handy_in_development_is_off_in_production_unless_switched_on() -> None:
    development, production = Settings.from_env({}), Settings.from_env(VERCEL)
    assert (development.access.allow_anonymous, production.access.allow_anonymous) == (True, False)
    assert (development.diagnostics.test_endpoints, production.diagnostics.test_endpoints) == (True, False)
    assert not development.diagnostics.log_prompts
    assert Settings.from_env({**VERCEL, "ALLOW_ANONYMOUS": "on"}).access.allow_anonymous
    assert not Settings.from_env({"ALLOW_ANONYMOUS": "0"}).access.allow_anonymous


@pytest.mark.parametrize("empty", ["", "  "])
def test_an_unset_or_empty_secret_is_none_so_that_its_endpoint_stays_closed(empty: str) -> None:
    given = {
        "GATEWAY_SERVICE_TOKEN": empty,
        "GATEWAY_ADMIN_TOKEN": empty,
        "CRON_SECRET": empty,
        "GATEWAY_HASH_SECRET": empty,
    }
    for settings in (Settings.from_env({}), Settings.from_env(given)):
        assert settings.access.service_token is None
        assert settings.access.admin_token is None
        assert settings.access.cron_secret is None
        assert settings.kv.hash_secret is None


def test_secrets_appear_in_no_repr() -> None:
    env = {
        "GATEWAY_SERVICE_TOKEN": "hush-1",
        "GATEWAY_ADMIN_TOKEN": "hush-2",
        "CRON_SECRET": "hush-3",
        "GATEWAY_HASH_SECRET": "hush-4",
        "OPENAI_API_KEY": "hush-5",
    }
    settings = Settings.from_env(env)
    assert settings.access.service_token == "hush-1"
    assert "hush" not in repr(settings)
    assert "allow_anonymous=True" in repr(settings.access)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RETRY_MAX_ATTEMPTS", "three"),
        ("RETRY_MAX_ATTEMPTS", "0"),
        ("RETRY_MAX_ATTEMPTS", "11"),
        ("RETRY_BASE_SECONDS", "-1"),
        ("RETRY_BASE_SECONDS", "nan"),
        ("RETRY_BASE_SECONDS", "inf"),
        ("CACHE_ENABLED", "maybe"),
        ("CACHE_SCOPE", "world"),
        ("DEMO_PROVIDER", "2"),
        ("GATEWAY_ENV", "staging"),
        ("KV_FAIL_MODE", "ajar"),
        ("TIER_LIMITS", "pro"),
        ("TIER_LIMITS", "pro="),
        ("TIER_LIMITS", "pro=0/60"),
        ("TIER_LIMITS", "pro=50/-1"),
        ("TIER_LIMITS", "pro=many"),
        ("MODEL_CLASS_LIMITS", "o1=0"),
        ("TIER_DAILY_BUDGETS_USD", "pro=-1"),
        ("TIER_DAILY_BUDGETS_USD", "pro=nan"),
        ("CROWELOGIC_PRICE", "1"),
        ("PRICE_CEILING", "1/x"),
        ("MAX_USD_PER_MILLION", "cheap"),
    ],
)
def test_a_wrong_value_is_an_error_that_names_the_variable_and_what_it_takes(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name} must be ") as caught:
        Settings.from_env({name: value})
    assert f" {value} " not in f" {caught.value} "


def test_texts_lists_and_prices_are_read() -> None:
    settings = Settings.from_env({
        "CORS_ORIGINS": "https://a.test, https://b.test,",
        "KV_FAIL_CLOSED_TIERS": "free",
        "CROWELOGIC_PRICE": "0.5/1.5",
        "MAX_USD_PER_MILLION": "3.5",
        "KV_NAMESPACE": " other ",
    })  # fmt: skip
    assert settings.access.cors_origins == ("https://a.test", "https://b.test")
    assert settings.providers.crowelogic_price == (0.5, 1.5)
    assert settings.routing.max_usd_per_million == 3.5
    assert settings.kv.namespace == "other"
    assert (settings.kv.fails_closed("free"), settings.kv.fails_closed("pro")) == (True, False)
    assert Settings.from_env({"KV_FAIL_MODE": "closed"}).kv.fails_closed("pro")


def test_single_limits_and_budgets_can_be_changed() -> None:
    settings = Settings.from_env({
        "TIER_LIMITS": "pro=80/30,free=5",
        "MODEL_CLASS_LIMITS": "o1=7",
        "TIER_DAILY_BUDGETS_USD": "free=0.25",
        "TIER_MONTHLY_BUDGETS_USD": "pro=20",
        "IP_LIMIT_PER_MINUTE": "99",
    })  # fmt: skip
    table = settings.limit_table()
    free, pro, expert = (table.tier_named(name) for name in ("free", "pro", "expert"))
    assert (pro.limit, pro.lockout_seconds, pro.budget.per_month) == (80, 30, 20_000_000)
    assert (free.limit, free.lockout_seconds, free.budget.per_day) == (5, 0, 250_000)
    assert (expert.limit, expert.budget.per_day) == (200, 0)
    assert {row.name: row.limit for row in table.classes} == {"gpt-4o": 20, "claude-opus": 10, "o1": 7}
    assert table.address_limit == 99


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TIER_LIMITS", "gold=1/1"),
        ("TIER_MONTHLY_BUDGETS_USD", "gold=1"),
        ("MODEL_CLASS_LIMITS", "gold=1"),
        ("KV_FAIL_CLOSED_TIERS", "gold"),
    ],
)
def test_a_limit_for_something_that_does_not_exist_is_refused(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name} must name some of .*, not gold"):
        Settings.from_env({name: value}).limit_table()


def test_a_provider_is_there_when_its_key_is() -> None:
    assert keys({"OPENAI_API_KEY": "k1", "XAI_API_KEY": " k2 "}) == {"openai": "k1", "xai": "k2"}
    assert keys({**VERCEL, "OPENAI_API_KEY": ""}) == {}


def test_keys_are_found_under_the_names_that_vendors_tools_use() -> None:
    assert keys({"GOOGLE_GENERATIVE_AI_API_KEY": "g"}) == {"google": "g"}
    assert keys({"GEMINI_API_KEY": "first", "GOOGLE_API_KEY": "second"}) == {"google": "first"}
    assert keys({"VERCEL_OIDC_TOKEN": "t"}) == {"vercel": "t"}


def test_the_demo_answers_in_development_as_long_as_nothing_else_can() -> None:
    assert keys({}) == {"demo": ""}
    assert keys({"OPENAI_API_KEY": "k"}) == {"openai": "k"}
    assert keys(VERCEL) == {}
    assert keys({**VERCEL, "DEMO_PROVIDER": "on"}) == {"demo": ""}
    assert keys({"DEMO_PROVIDER": "off"}) == {}
    assert keys({"DEMO_PROVIDER": "on", "OPENAI_API_KEY": "k"}) == {"openai": "k", "demo": ""}


def test_the_customers_own_model_works_by_settings_alone() -> None:
    env = {
        "CROWELOGIC_BASE_URL": "https://models.example.test/v1/",
        "CROWELOGIC_API_KEY": "c",
        "CROWELOGIC_PRICE": "0.5/1.5",
    }
    settings = Settings.from_env(env)
    catalog = settings.catalog()
    assert settings.provider_keys(catalog) == {"crowelogic": "c"}
    assert catalog.provider("crowelogic").base_url == "https://models.example.test/v1"
    assert PriceBook().usd_per_million(catalog.model("crowelogic/mini"), 0) == (0.5, 1.5)
    assert keys({**VERCEL, "CROWELOGIC_API_KEY": "c"}) == {}


def test_a_price_among_the_models_is_nearer_than_the_variable() -> None:
    row = {"id": "crowelogic/mini", "context_window": 9_000, "max_output": 900, "usd_per_million": [3, 4]}
    env = {"GATEWAY_MODELS": json.dumps({"models": [row]}), "CROWELOGIC_PRICE": "0.5/1.5"}
    assert Settings.from_env(env).catalog().model("crowelogic/mini").usd_per_million == (3.0, 4.0)


@pytest.mark.parametrize(
    ("variable", "provider"),
    [("OPENAI_BASE_URL", "openai"), ("ANTHROPIC_BASE_URL", "anthropic"), ("XAI_BASE_URL", "xai")],
)
def test_every_base_url_can_be_overridden(variable: str, provider: str) -> None:
    catalog = Settings.from_env({variable: "http://127.0.0.1:9/v1/"}).catalog()
    assert catalog.provider(provider).base_url == "http://127.0.0.1:9/v1"
    with pytest.raises(SettingsError, match=f"^{variable} must start with https"):
        Settings.from_env({variable: "127.0.0.1"}).catalog()


def test_models_come_from_json_or_from_a_file(tmp_path: Path) -> None:
    text = json.dumps({
        "providers": [{"id": "acme-ai", "base_url": "https://acme.test/v1", "key_variable": "ACME_KEY"}],
        "models": [{"id": "acme-ai/one", "context_window": 1000, "max_output": 100}],
    })  # fmt: skip
    path = tmp_path / "models.json"
    path.write_text(text)
    for given in (text, str(path)):
        env = {"GATEWAY_MODELS": given, "ACME_KEY": "a", "ACME_AI_BASE_URL": "http://127.0.0.1:9"}
        settings = Settings.from_env(env)
        catalog = settings.catalog()
        assert settings.provider_keys(catalog) == {"acme-ai": "a"}
        assert catalog.provider("acme-ai").base_url == "http://127.0.0.1:9"
        assert catalog.model("acme-ai/one").max_output == 100


@pytest.mark.parametrize("value", ["no-such-file.json", "\0", "{"])
def test_models_that_cannot_be_read_are_an_error_that_names_the_variable(value: str) -> None:
    with pytest.raises(SettingsError, match=r"^GATEWAY_MODELS must be JSON"):
        Settings.from_env({"GATEWAY_MODELS": value}).catalog()


def test_savings_are_counted_against_a_model_that_exists() -> None:
    with pytest.raises(SettingsError, match=r"^BASELINE_MODEL "):
        Settings.from_env({"BASELINE_MODEL": "o1"}).catalog()


def test_a_group_of_settings_is_a_value() -> None:
    assert Cache(scope="shared") == Cache(scope="shared") != Cache()
    assert hash(Cache()) == hash(Cache(scope="shared"))
    assert Cache() != Access()
    with pytest.raises(AttributeError, match="does not change"):
        Cache().scope = "shared"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(TypeError, match="has no colour"):
        Cache(colour="red")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def test_no_variable_is_read_twice() -> None:
    names = [row.name for group in GROUPS for row in group.rows.values()]
    assert len(names) == len(set(names))


def test_every_group_is_small_enough_to_take_in() -> None:
    assert max(len(group.rows) for group in GROUPS) <= 12


def test_the_table_shows_every_variable_and_is_written_between_its_markers(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- settings:begin -->\nstale words\n<!-- settings:end -->\nafter\n")
    assert settings_table.main(["--check"], readme) == 1
    assert settings_table.main([], readme) == 0
    assert settings_table.main(["--check"], readme) == 0
    written = readme.read_text()
    assert written.startswith("before\n")
    assert written.endswith("\nafter\n")
    assert "stale words" not in written
    assert all(f"`{row.name}`" in written for group in GROUPS for row in group.rows.values())
    assert "`OPENAI_API_KEY`" in written
    with pytest.raises(ValueError, match="settings:begin"):
        settings_table.with_table("no markers")
