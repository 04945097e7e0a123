"""The catalogue: finds the model a name means, what follows it when it fails, and where its provider is."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType
from typing import Final

from lib.catalog.aliases import ALIASES, AliasRow
from lib.catalog.models import MODELS
from lib.catalog.names import readings
from lib.catalog.providers import DEMO, PROVIDERS
from lib.catalog.rows import ModelRow, ProviderRow
from lib.errors import InvalidRequest, SettingsError

CHAIN_LENGTH: Final = 3
COMPARED_CHARACTERS: Final = 80
"""How much of an unknown name is compared with the known ones; the name itself is never repeated in an error."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """The model a name means today."""

    model: ModelRow
    substitution: str
    """Says what the name was replaced by and why; empty when the model was named by its id."""


@dataclass(frozen=True, slots=True)
class Catalog:
    """Immutable; made by `build`, enlarged by `with_extra`."""

    providers: tuple[ProviderRow, ...]
    models: tuple[ModelRow, ...]
    aliases: tuple[AliasRow, ...]
    _providers: Mapping[str, ProviderRow]
    _models: Mapping[str, ModelRow]
    _bare: Mapping[str, ModelRow]

    @classmethod
    def build(
        cls,
        models: tuple[ModelRow, ...] = MODELS,
        providers: tuple[ProviderRow, ...] = PROVIDERS,
        aliases: tuple[AliasRow, ...] = ALIASES,
    ) -> Catalog:
        """Index the rows; of rows with the same id the last one counts.

        Raises SettingsError naming the model whose provider, chain, successor or alias does not exist.
        """
        by_id = {row.id: row for row in models}
        provider_by_id = {row.id: row for row in providers}
        bare = {name.lower(): row for row in reversed(by_id.values()) for name in (row.wire_name, _bare_name(row.id))}
        catalog = cls(
            tuple(provider_by_id.values()),
            tuple(by_id.values()),
            aliases,
            MappingProxyType(provider_by_id),
            MappingProxyType(by_id),
            MappingProxyType(bare),
        )
        catalog._check()
        return catalog

    def with_extra(self, json_text: str) -> Catalog:
        """This catalogue and the rows of `GATEWAY_MODELS` (see `lib.catalog.extra`). Raises SettingsError."""
        from lib.catalog.extra import read_extra  # most deployments have none

        extra = read_extra(json_text)
        return Catalog.build(self.models + extra.models, self.providers + extra.providers, extra.aliases + self.aliases)

    def model(self, model_id: str) -> ModelRow:
        """The row of exactly this id. Raises KeyError."""
        return self._models[model_id]

    def provider(self, provider_id: str) -> ProviderRow:
        """The row of exactly this id. Raises KeyError."""
        return self._providers[provider_id]

    def resolve(self, name: str, today: date) -> Resolution:
        """The model that serves `name` on `today`: an id, a bare name, an alias or a retired name.

        Raises InvalidRequest (`model_not_found`) listing near names.
        """
        asked = name.strip().lower()
        if (row := self._models.get(asked)) is not None:
            return self._in_force(row, today, "")
        if (row := self._bare_model(asked)) is not None:
            return self._in_force(row, today, f"{asked} is {row.id}")
        if (alias := self._alias(asked)) is not None:
            row = self._models[alias.target]
            reason = "is no longer offered; served by" if alias.gone else "is"
            return self._in_force(row, today, f"{asked} {reason} {row.id}")
        raise self._not_found(name)

    def chain_for(
        self, model: ModelRow, *, today: date | None = None, providers: Collection[str] | None = None
    ) -> tuple[str, ...]:
        """Ids of the models to try after `model`, in order: its row's chain, or a generated one.

        With `today`, retired members are replaced by their successors; with `providers`, only those serve, and a chain
        that none of them can serve is replaced by a generated one.
        """
        members = [self._models[name] for name in model.chain]
        if today is not None:
            members = [self._successor(row, today) for row in members]
        fixed = [row.id for row in members if row.id != model.id and (providers is None or row.provider in providers)]
        return tuple(dict.fromkeys(fixed)) or tuple(self._generated(model, today, providers))

    def _generated(self, model: ModelRow, today: date | None, providers: Collection[str] | None) -> Iterator[str]:
        """One model per provider: equals of other providers first, then the nearest in quality; none for the demo."""
        if model.provider == DEMO:
            return
        taken: set[str] = set()
        for row in sorted(self._alternatives(model, today, providers), key=lambda row: _distance(model, row)):
            if row.provider not in taken:
                taken.add(row.provider)
                yield row.id
            if len(taken) == CHAIN_LENGTH:
                return

    def _alternatives(
        self, model: ModelRow, today: date | None, providers: Collection[str] | None
    ) -> Iterable[ModelRow]:
        for row in self.models:
            reachable = row.provider in providers if providers is not None else self._has_address(row)
            retired = today is not None and _retired(row, today)
            if reachable and not retired and row.provider != DEMO and row.id != model.id:
                yield row

    def _has_address(self, row: ModelRow) -> bool:
        return bool(self._providers[row.provider].base_url)

    def _bare_model(self, asked: str) -> ModelRow | None:
        provider, _, rest = asked.partition("/")
        for name in readings(asked):
            if (row := self._models.get(name) or self._bare.get(name)) is not None:
                return row
        for name in readings(rest):
            if (row := self._bare.get(name)) is not None and self._is_called(row.provider, provider):
                return row
        return None

    def _alias(self, asked: str) -> AliasRow | None:
        for alias in self.aliases:
            if alias.matches(asked):
                return alias
        provider, _, rest = asked.partition("/")
        for alias in self.aliases:
            if rest and alias.matches(rest) and self._is_called(_provider_of(alias.target), provider):
                return alias
        return None

    def _is_called(self, provider_id: str, name: str) -> bool:
        """Vendors go by two names in the field: `xai` and `x-ai`, `moonshot` and `moonshotai`."""
        return name in (provider_id, self._providers[provider_id].price_source)

    def _in_force(self, row: ModelRow, today: date, substitution: str) -> Resolution:
        serving = self._successor(row, today)
        if serving is row:
            return Resolution(row, substitution)
        # Limits and chains belong to what was asked for: they outlive the model that gave them their names.
        serving = replace(serving, limit_class=serving.limit_class or row.limit_class, chain=serving.chain or row.chain)
        return Resolution(serving, f"{row.id} was retired on {row.retires}; served by {serving.id}")

    def _successor(self, row: ModelRow, today: date) -> ModelRow:
        for _ in self.models:
            if not row.successor or not _retired(row, today):
                break
            row = self._models[row.successor]
        return row

    def _not_found(self, name: str) -> InvalidRequest:
        import difflib  # only this error needs it

        compared = name.strip()[:COMPARED_CHARACTERS].lower()
        near = difflib.get_close_matches(compared, (*self._models, *self._bare), n=5, cutoff=0.5)
        ids = dict.fromkeys(self._models.get(hit, self._bare.get(hit, self.models[0])).id for hit in near)
        hint = f"; near names: {', '.join(ids)}" if ids else f"; known are {', '.join(list(self._models)[:5])}, …"
        return InvalidRequest(f"there is no model of that name{hint}", param="model", code="model_not_found")

    def _check(self) -> None:
        for row in self.models:
            if row.provider not in self._providers:
                raise SettingsError(
                    f"model {row.id}: provider {row.provider} does not exist; add it to GATEWAY_MODELS.providers"
                )
            for other in filter(None, (*row.chain, row.successor)):
                if other not in self._models:
                    raise SettingsError(
                        f"model {row.id}: {other} in its chain or successor is not a model of the catalogue"
                    )


def _bare_name(model_id: str) -> str:
    return model_id.partition("/")[2]


def _provider_of(model_id: str) -> str:
    return model_id.partition("/")[0]


def _retired(row: ModelRow, today: date) -> bool:
    return row.retires is not None and row.retires <= today


def _distance(model: ModelRow, row: ModelRow) -> tuple[int, bool, int, int]:
    """How far `row` is from standing in for `model`; ties keep the catalogue's order."""
    equal_elsewhere = row.quality == model.quality and row.provider != model.provider
    missing = len(model.capabilities - row.capabilities)
    return missing, not equal_elsewhere, abs(row.quality - model.quality), abs(row.speed - model.speed)
