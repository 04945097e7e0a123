"""Providers and models added by a setting: used like built-in ones, and every mistake named by its field."""

from __future__ import annotations

import json
from datetime import date

import pytest

from lib.catalog import Catalog, PriceBook, Protocol
from lib.contract import JsonObject
from lib.errors import SettingsError

TODAY = date(2026, 11, 24)


def with_models(*models: JsonObject, providers: tuple[JsonObject, ...] = ()) -> Catalog:
    return Catalog.build().with_extra(json.dumps({"providers": list(providers), "models": list(models)}))


def model(**fields: object) -> JsonObject:
    given: JsonObject = json.loads(json.dumps(fields))
    return {"id": "acme/large", "context_window": 64_000, "max_output": 8_000, **given}


ACME: JsonObject = {"id": "acme", "base_url": "https://acme.test/v1/", "key_variable": "ACME_API_KEY"}


def test_a_provider_and_a_model_come_from_json() -> None:
    catalog = with_models(
        model(
            wire_name="acme-large-2",
            capabilities=["tools", "stream"],
            quality=4,
            chain=["openai/gpt-4o"],
            usd_per_million=[0.5, 1.5],
            aliases=["Acme"],
            limit_class="o1",
            retires="2027-06-01",
            successor="openai/gpt-6-luna",
            params={"drop": ["top_p"], "max_tokens_name": "max_completion_tokens", "prefill": False},
        ),
        providers=(ACME,),
    )
    found = catalog.resolve("acme", TODAY).model
    assert (found.id, found.wire_name, found.quality, found.limit_class) == ("acme/large", "acme-large-2", 4, "o1")
    assert found.params.drop == {"top_p"}
    assert not found.params.prefill
    assert found.params.forced_tool_choice
    assert catalog.provider("acme").base_url == "https://acme.test/v1"
    assert catalog.provider("acme").protocol is Protocol.OPENAI
    assert catalog.chain_for(found) == ("openai/gpt-4o",)
    assert PriceBook().usd_per_million(found, 0) == (0.5, 1.5)
    assert catalog.resolve("acme", date(2027, 6, 1)).model.id == "openai/gpt-6-luna"


def test_what_is_left_out_gets_modest_defaults() -> None:
    found = with_models(model(), providers=(ACME,)).model("acme/large")
    assert found.wire_name == "large"
    assert found.capabilities == {"stream"}
    assert (found.quality, found.speed, found.chain, found.usd_per_million) == (3, 3, (), None)


def test_a_row_with_a_built_in_id_replaces_it() -> None:
    found = with_models(model(id="crowelogic/mini", usd_per_million=[0.2, 0.8])).model("crowelogic/mini")
    assert found.usd_per_million == (0.2, 0.8)
    assert found.context_window == 64_000


def test_a_model_of_a_gateway_is_priced_like_the_model_behind_it() -> None:
    catalog = with_models(model(id="vercel/luna", wire_name="openai/gpt-6-luna"))
    assert PriceBook().usd_per_million(catalog.model("vercel/luna"), 1_795_478_400) == (0.10, 0.50)


@pytest.mark.parametrize(
    ("bad", "field", "takes"),
    [
        (model(id="large"), r"models\[0\].id", "provider/model"),
        (model(id=7), r"models\[0\].id", "non-empty string"),
        (model(wire_name=["x"]), r"models\[0\].wire_name", "must be a string"),
        (model(context_window="big"), r"models\[0\].context_window", "whole number"),
        (model(context_window=True), r"models\[0\].context_window", "whole number"),
        (model(max_output=0), r"models\[0\].max_output", "from 1"),
        (model(max_output=None), r"models\[0\].max_output", "is required"),
        (model(quality=6), r"models\[0\].quality", "from 1 to 5"),
        (model(capabilities=["telepathy"]), r"models\[0\].capabilities", "vision"),
        (model(capabilities="tools"), r"models\[0\].capabilities", "list of strings"),
        (model(chain=[1]), r"models\[0\].chain", "list of strings"),
        (model(retires="soon"), r"models\[0\].retires", "date"),
        (model(usd_per_million=3), r"models\[0\].usd_per_million", "input, output"),
        (model(usd_per_million=[1, -1]), r"models\[0\].usd_per_million", "neither negative"),
        (model(usd_per_million=[1, "2"]), r"models\[0\].usd_per_million", "input, output"),
        (model(usd_per_million=[1, float("nan")]), r"models\[0\].usd_per_million", "input, output"),
        (model(params=[1]), r"models\[0\].params", "object"),
        (model(params={"prefill": "no"}), r"models\[0\].params.prefill", "true or false"),
        (model(params={"dropp": []}), r"models\[0\].params.dropp", "is not a field"),
        (model(contextwindow=1), r"models\[0\].contextwindow", "is not a field; there are .*context_window"),
    ],
)
def test_a_mistake_in_a_model_is_named_by_its_field(bad: JsonObject, field: str, takes: str) -> None:
    with pytest.raises(SettingsError, match=f"^GATEWAY_MODELS.{field} .*{takes}"):
        with_models(bad, providers=(ACME,))


@pytest.mark.parametrize(
    ("bad", "field", "takes"),
    [
        ({**ACME, "id": "a/b"}, "id", "slash"),
        ({**ACME, "id": " "}, "id", "non-empty"),
        ({**ACME, "base_url": "acme.test"}, "base_url", "https://"),
        ({**ACME, "protocol": "demo"}, "protocol", "openai or anthropic"),
        ({**ACME, "key": "secret"}, "key", "is not a field"),
    ],
)
def test_a_mistake_in_a_provider_is_named_by_its_field(bad: JsonObject, field: str, takes: str) -> None:
    with pytest.raises(SettingsError, match=rf"^GATEWAY_MODELS.providers\[0\].{field} .*{takes}"):
        with_models(model(), providers=(bad,))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "must be JSON"),
        ("[]", "GATEWAY_MODELS must be a JSON object"),
        ('{"models": {}}', "models must be a list of objects"),
        ('{"models": [1]}', r"models\[0\] must be a JSON object"),
        ('{"model": []}', "model is not a field; there are models, providers"),
    ],
)
def test_a_text_of_another_shape_is_refused(text: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        Catalog.build().with_extra(text)


def test_a_model_of_a_provider_nobody_declared_is_refused() -> None:
    with pytest.raises(SettingsError, match="provider acme does not exist"):
        with_models(model())


def test_an_alias_to_a_model_that_is_not_there_cannot_be_made() -> None:
    catalog = with_models(model(aliases=["gpt-4-turbo"]), providers=(ACME,))
    assert catalog.resolve("gpt-4-turbo", TODAY).model.id == "acme/large"
