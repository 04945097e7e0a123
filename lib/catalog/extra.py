"""Further providers and models from a JSON setting: what an operator adds without touching code.

`{"providers": [{"id", "base_url", "key_variable"}], "models": [{"id": "provider/model", "context_window", …}]}`;
fields have the names of `ProviderRow` and `ModelRow`, `usd_per_million` is `[input, output]`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Final

from lib.catalog.aliases import AliasRow
from lib.catalog.capabilities import CAPABILITIES
from lib.catalog.fields import Fields
from lib.catalog.rows import ModelRow, ParamRules, Protocol, ProviderRow
from lib.contract import Json
from lib.errors import SettingsError

SOURCE: Final = "GATEWAY_MODELS"
TIERS: Final = 5


@dataclass(frozen=True, slots=True)
class Extra:
    """Rows beside the built-in ones; a row whose id is already there replaces it."""

    providers: tuple[ProviderRow, ...]
    models: tuple[ModelRow, ...]
    aliases: tuple[AliasRow, ...]


def read_extra(text: str) -> Extra:
    """Read the JSON text. Raises SettingsError naming the field, or the line where it is not JSON."""
    try:
        value: Json = json.loads(text)
    except ValueError as error:
        raise SettingsError(f"{SOURCE} must be JSON or the path of a JSON file: {error}") from error
    fields = Fields(value, SOURCE)
    providers = tuple(_provider(row) for row in fields.children("providers"))
    models: list[ModelRow] = []
    aliases: list[AliasRow] = []
    for row in fields.children("models"):
        names = row.texts("aliases")
        model = _model(row)
        models.append(model)
        aliases.extend(AliasRow(name.lower(), model.id, gone=False) for name in names)
    fields.done()
    return Extra(providers, tuple(models), tuple(aliases))


def _provider(row: Fields) -> ProviderRow:
    name = row.text("id")
    if "/" in name:
        raise row.error("id", "must not contain a slash")
    protocol = row.text("protocol", Protocol.OPENAI.value)
    if protocol not in (Protocol.OPENAI, Protocol.ANTHROPIC):
        raise row.error("protocol", "must be openai or anthropic")
    base_url = row.text("base_url").rstrip("/")
    if not base_url.startswith(("https://", "http://")):
        raise row.error("base_url", "must start with https:// or http://")
    key_variable = row.text("key_variable", "")
    row.done()
    return ProviderRow(id=name, protocol=Protocol(protocol), base_url=base_url, key_variable=key_variable)


def _model(row: Fields) -> ModelRow:
    name = row.text("id")
    provider, slash, own_name = name.partition("/")
    if not slash or not provider or not own_name:
        raise row.error("id", "must be provider/model")
    model = ModelRow(
        id=name,
        provider=provider,
        wire_name=row.text("wire_name", own_name),
        limit_class=row.text("limit_class", ""),
        context_window=row.integer("context_window"),
        max_output=row.integer("max_output"),
        capabilities=_capabilities(row),
        quality=row.integer("quality", 3, high=TIERS),
        speed=row.integer("speed", 3, high=TIERS),
        params=_params(row.child("params")),
        chain=row.texts("chain"),
        retires=_retires(row),
        successor=row.text("successor", ""),
        usd_per_million=row.prices("usd_per_million"),
    )
    row.done()
    return model


def _capabilities(row: Fields) -> frozenset[str]:
    given = frozenset(row.texts("capabilities"))
    if given - CAPABILITIES:
        raise row.error("capabilities", f"must be of {', '.join(sorted(CAPABILITIES))}")
    return given or frozenset({"stream"})


def _params(row: Fields) -> ParamRules:
    rules = ParamRules(
        drop=frozenset(row.texts("drop")),
        max_tokens_name=row.text("max_tokens_name", "max_tokens"),
        forced_tool_choice=row.flag("forced_tool_choice", default=True),
        prefill=row.flag("prefill", default=True),
    )
    row.done()
    return rules


def _retires(row: Fields) -> date | None:
    text = row.text("retires", "")
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise row.error("retires", "must be a date such as 2027-01-14") from error
