"""Settings of the OpenTelemetry export, under the names of its specification."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import unquote

from lib.settings.identity import is_safe
from lib.settings.variables import Group, Variable, declared, text

NONE: Final[Mapping[str, str]] = MappingProxyType({})


def _endpoint(name: str, purpose: str) -> str:
    def parse(given: str) -> str:
        if not is_safe(given) or "#" in given or "?" in given:
            raise ValueError(given)
        return given

    return declared(Variable(name, purpose, "an https address", "–", parse, ""), "")


def _headers(name: str, purpose: str) -> Mapping[str, str]:
    def parse(given: str) -> Mapping[str, str]:
        pairs = (pair.partition("=") for pair in given.split(",") if pair.strip())
        headers = {key.strip().lower(): unquote(value.strip()) for key, _, value in pairs}
        if not all(key and value and value.isprintable() and (key + value).isascii() for key, value in headers.items()):
            raise ValueError(name)
        return headers

    takes = "key=value,… with values URL-encoded"
    return declared(Variable(name, purpose, takes, "–", parse, NONE, secret=True), NONE)


class Telemetry(Group):
    """Export of traces and metrics over OTLP/HTTP (JSON); off while there is no endpoint."""

    endpoint: str = _endpoint("OTEL_EXPORTER_OTLP_ENDPOINT", "Receiver of traces and metrics, without `/v1/…`")
    headers: Mapping[str, str] = _headers("OTEL_EXPORTER_OTLP_HEADERS", "Sent with them, such as an API key")
    service_name: str = text("OTEL_SERVICE_NAME", "ai-orchestrator", "What this deployment is called there")
