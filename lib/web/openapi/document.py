"""From rows and pydantic models to one OpenAPI 3.1 document. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from pydantic.alias_generators import to_snake
from pydantic.json_schema import models_json_schema

from lib.contract import Json, JsonObject
from lib.web.anthropic_model import CountBody, MessagesBody
from lib.web.batch_body import BatchBody
from lib.web.openai_embeddings_body import EmbeddingBody
from lib.web.openapi.asked import ChatFields, EmbeddingFields, TurnFields
from lib.web.openapi.operations import OPERATIONS
from lib.web.openapi.protocols import COMPLETION_BODY
from lib.web.openapi.rows import CALLER, JSON, Answer, Media, Operation, Parameter, Schema
from lib.web.wire_model import ChatBody

if TYPE_CHECKING:
    from pydantic import BaseModel

_PLACE: Final = "#/components/schemas/"
_TOLD_BY: Final = (
    (ChatBody, ChatFields),
    (CountBody, TurnFields),
    (MessagesBody, TurnFields),
    (EmbeddingBody, EmbeddingFields),
)
"""Bodies with fields that their parsers check by hand, and the models that say how."""
_NOT_OPENAIS: Final = frozenset({"id", "trigger", "messageId", "providerOptions"})
"""What only AI SDK's transport sends."""
_ERRORS: Final = {
    400: "The request is wrong; `param` names the field.",
    401: "No credential that is known.",
    402: "The budget is spent.",
    403: "A known caller who may not do this.",
    404: "There is nothing here.",
    409: "It is too late for that.",
    413: "The body is too large.",
    429: "A limit is met; `Retry-After` says when there is room again.",
    500: "A mistake of ours.",
    502: "Every model of the chain failed.",
    503: "Not at the moment; try again later.",
    504: "No model answered in time.",
}
_BETWEEN: Final = re.compile(r"[^A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class About:
    """What the document says of this deployment."""

    version: str
    tiers: tuple[str, ...]
    anonymous: bool
    """Whether callers need no credential."""


def document(about: About) -> JsonObject:
    """The whole description."""
    paths: dict[str, Json] = {}
    for operation in OPERATIONS:
        methods = cast("JsonObject", paths.setdefault(operation.path, {}))
        methods[operation.method] = _operation(operation, about)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "AI Orchestrator",
            "version": about.version,
            "summary": "One endpoint in front of many AI models",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "tags": [{"name": name} for name in dict.fromkeys(operation.tag for operation in OPERATIONS)],
        "paths": paths,
        "components": {"schemas": _reached(paths, _schemas(about)), "securitySchemes": _security_schemes()},
    }


def _operation(row: Operation, about: About) -> JsonObject:
    security: list[Json] = [{scheme: []} for scheme in row.security]
    if about.anonymous and row.security == CALLER:
        security.append({})
    operation: JsonObject = {
        "operationId": f"{row.method}{_BETWEEN.sub('_', row.path)}".rstrip("_"),
        "summary": row.says,
        "tags": [row.tag],
        "security": security,
        "responses": dict(_responses(row)),
    }
    if row.parameters:
        operation["parameters"] = [_parameter(each) for each in row.parameters]
    if row.body:
        operation["requestBody"] = {"required": row.body_required, "content": _content(row.body)}
    return operation


def _responses(row: Operation) -> Iterator[tuple[str, Json]]:
    for status, answer in row.answers:
        yield str(status), _response(answer)
    for status in sorted(set(row.errors) - {status for status, _ in row.answers}):
        yield str(status), _response(Answer(_ERRORS[status], (Media(row.error),)))
    for status in sorted(set(row.errors) & {status for status, _ in row.answers}):
        answers = tuple(answer for at, answer in row.answers if at == status)
        yield str(status), _either(answers[0], row.error)


def _either(answer: Answer, error: Schema) -> JsonObject:
    schemas: list[Json] = [*(_schema(media.schema) for media in answer.media), _schema(error)]
    return {"description": answer.says, "content": {JSON: {"schema": {"anyOf": schemas}}}}


def _response(answer: Answer) -> JsonObject:
    response: JsonObject = {"description": answer.says}
    if answer.media:
        response["content"] = _content(answer.media)
    return response


def _content(media: Iterable[Media]) -> JsonObject:
    return {each.type: {"schema": _schema(each.schema)} for each in media}


def _schema(schema: Schema) -> JsonObject:
    if isinstance(schema, type):
        return {"$ref": _PLACE + schema.__name__}
    if schema == COMPLETION_BODY:
        return {"$ref": _PLACE + COMPLETION_BODY}
    return {"type": "object"} if schema == "object" else {"description": schema or ""}


def _parameter(row: Parameter) -> JsonObject:
    schema: JsonObject = {"type": "string"}
    if row.pattern:
        schema["pattern"] = row.pattern
    told: JsonObject = {"name": row.name, "in": row.place, "description": row.says, "schema": schema}
    if row.place == "path":
        schema["minLength"] = 1
        told["required"] = True
    if row.example:
        told["example"] = row.example
    return told


def _models() -> Iterator[type[BaseModel]]:
    for row in OPERATIONS:
        media = [*row.body, *(each for _, answer in row.answers for each in answer.media), Media(row.error)]
        yield from (each.schema for each in media if isinstance(each.schema, type))
    yield from (model for pair in _TOLD_BY for model in pair)


def _schemas(about: About) -> JsonObject:
    models = dict.fromkeys(_models())
    _, written = models_json_schema([(model, "validation") for model in models], ref_template=_PLACE + "{model}")
    schemas = cast("JsonObject", written["$defs"])
    for model, teller in _TOLD_BY:
        told = _properties(schemas, teller.__name__)
        known = _properties(schemas, model.__name__)
        known.update({name: schema for name, schema in told.items() if name in known})
    _properties(schemas, BatchBody.__name__)["requests"]["items"] = {"$ref": _PLACE + ChatBody.__name__}
    _properties(schemas, ChatBody.__name__)["tier"] = {"enum": [*about.tiers, None]}
    schemas[COMPLETION_BODY] = _by_snake_names(cast("JsonObject", schemas[ChatBody.__name__]))
    return schemas


def _reached(paths: JsonObject, schemas: JsonObject) -> JsonObject:
    """The schemas that the paths refer to, directly or through others."""
    names: set[str] = set()
    waiting: list[Json] = [paths]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            waiting += value.values()
            name = str(value.get("$ref", "")).removeprefix(_PLACE)
            if name and name not in names:
                names.add(name)
                waiting.append(schemas[name])
    return {name: schemas[name] for name in sorted(names)}


def _properties(schemas: JsonObject, name: str) -> dict[str, JsonObject]:
    return cast("dict[str, JsonObject]", cast("JsonObject", schemas[name])["properties"])


def _by_snake_names(schema: JsonObject) -> JsonObject:
    properties = cast("JsonObject", schema["properties"])
    renamed: JsonObject = {_field_of(name): value for name, value in properties.items() if name not in _NOT_OPENAIS}
    choices = cast("JsonObject", properties["messages"])["anyOf"]
    renamed["messages"] = cast("list[Json]", choices)[0]
    renamed["stream_options"] = {"type": "object", "properties": {"include_usage": {"type": "boolean"}}}
    told: JsonObject = {"title": COMPLETION_BODY, "description": "One chat, as OpenAI's clients post it."}
    return {**schema, **told, "properties": renamed, "required": ["messages"]}


def _field_of(alias: str) -> str:
    return "model" if alias == "modelId" else to_snake(alias)


def _security_schemes() -> JsonObject:
    def bearer(says: str) -> Json:
        return {"type": "http", "scheme": "bearer", "description": says}

    def header(name: str, says: str) -> Json:
        return {"type": "apiKey", "in": "header", "name": name, "description": says}

    return {
        "bearer": bearer("An API key, a token of your identity provider, or the service's token."),
        "apiKey": header("x-api-key", "The same, as Anthropic's clients send it."),
        "admin": bearer("The operator's token."),
        "cron": bearer("The secret that the platform's cron jobs send."),
        "stripe": header("stripe-signature", "Stripe's signature of the body."),
        "queue": header("upstash-signature", "The queue's signature of the body."),
    }
