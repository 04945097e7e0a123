"""What existing clients speak: rows of the description."""

from __future__ import annotations

from typing import Final

from lib.web.anthropic_model import CountBody, MessagesBody
from lib.web.openai_embeddings_body import EmbeddingBody
from lib.web.openapi import answered
from lib.web.openapi.rows import (
    CACHE_CONTROL,
    CHAT_ERRORS,
    CHAT_HEADERS,
    EVENTS,
    READ_ERRORS,
    SMALL_ERRORS,
    STREAMED,
    Answer,
    Media,
    Operation,
    Parameter,
    one,
)

OPENAI: Final = "As OpenAI's clients speak"
ANTHROPIC: Final = "As Anthropic's clients speak"
COMPLETION_BODY: Final = "CompletionBody"
"""The body of OpenAI's chat completions: a chat's, by its snake_case names."""

OPENAI_OPERATIONS: Final = (
    Operation(
        method="post",
        path="/api/ai/v1/chat/completions",
        says="OpenAI's chat completions, for any model",
        tag=OPENAI,
        parameters=CHAT_HEADERS,
        body=(Media(COMPLETION_BODY),),
        answers=(
            (
                200,
                Answer(f"A completion. {STREAMED}", (Media(answered.Completion), Media("Server-sent events", EVENTS))),
            ),
        ),
        errors=(*CHAT_ERRORS, 404),
    ),
    Operation(
        method="get",
        path="/api/ai/v1/models",
        says="The models that the caller may use",
        tag=OPENAI,
        answers=one("All of them.", answered.ModelList),
        errors=(400, 401, 403, 500, 503),
    ),
    Operation(
        method="get",
        path="/api/ai/v1/models/{model}",
        says="One model, by its id or any name that means it",
        tag=OPENAI,
        parameters=(Parameter("model", "path", "`provider/model`.", example="openai/gpt-4o"),),
        answers=one("The model.", answered.Model),
        errors=READ_ERRORS,
    ),
    Operation(
        method="post",
        path="/api/ai/v1/embeddings",
        says="Texts to vectors",
        tag=OPENAI,
        parameters=(CACHE_CONTROL,),
        body=(Media(EmbeddingBody),),
        answers=one("A vector per input.", answered.EmbeddingList),
        errors=(*CHAT_ERRORS, 404),
    ),
)

ANTHROPIC_OPERATIONS: Final = (
    Operation(
        method="post",
        path="/api/ai/v1/messages",
        says="Anthropic's messages API, for any model",
        tag=ANTHROPIC,
        parameters=CHAT_HEADERS,
        body=(Media(MessagesBody),),
        answers=(
            (
                200,
                Answer(
                    f"A message. {STREAMED}", (Media(answered.AnthropicMessage), Media("Server-sent events", EVENTS))
                ),
            ),
        ),
        errors=(*CHAT_ERRORS, 404),
        error=answered.AnthropicError,
    ),
    Operation(
        method="post",
        path="/api/ai/v1/messages/count_tokens",
        says="About how many tokens a prompt will be",
        tag=ANTHROPIC,
        body=(Media(CountBody),),
        answers=one("The estimate.", answered.TokenCount),
        errors=SMALL_ERRORS,
        error=answered.AnthropicError,
    ),
)
