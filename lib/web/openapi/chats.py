"""Chats, batches and feedback: rows of the description."""

from __future__ import annotations

from typing import Final

from lib.web.batch_body import BatchBody
from lib.web.feedback_route import FeedbackBody
from lib.web.openapi import answered
from lib.web.openapi.rows import (
    CHAT_ERRORS,
    CHAT_HEADERS,
    EVENTS,
    LINES,
    READ_ERRORS,
    SMALL_ERRORS,
    STREAMED,
    Answer,
    Media,
    Operation,
    Parameter,
    one,
)
from lib.web.wire_model import ChatBody

CHATS: Final = "Chats"
BATCHES: Final = "Batches"

_JOB_ID: Final = Parameter("id", "path", "The batch's id.", example="batch_1")
_CHAT_ID: Final = Parameter("id", "path", "The chat's id, as its request named it.", example="c1")

_CHAT: Final = ((200, Answer(f"The answer. {STREAMED}", (Media(answered.Chat), Media("Server-sent events", EVENTS)))),)

CHAT_OPERATIONS: Final = (
    Operation(
        method="post",
        path="/api/ai/v2/chat",
        says="One chat: as JSON, as OpenAI's chunks or as AI SDK's UI message stream",
        tag=CHATS,
        parameters=(
            *CHAT_HEADERS,
            Parameter("x-ai-stream-protocol", "header", "Form of a stream: openai or ui.", pattern=r"^(openai|ui)?$"),
        ),
        body=(Media(ChatBody),),
        answers=_CHAT,
        errors=CHAT_ERRORS,
    ),
    Operation(
        method="get",
        path="/api/ai/v2/chat/{id}/stream",
        says="Come back to the stream of a chat whose connection was lost",
        tag=CHATS,
        parameters=(_CHAT_ID,),
        answers=(
            (200, Answer("The whole stream from its start, then live.", (Media("Server-sent events", EVENTS),))),
            (204, Answer("There is nothing to come back to.")),
        ),
        errors=READ_ERRORS,
    ),
    Operation(
        method="delete",
        path="/api/ai/v2/chat/{id}/stream",
        says="End the answer of a chat that is under way",
        tag=CHATS,
        parameters=(_CHAT_ID,),
        answers=((204, Answer("It is ended, or there was none.")),),
        errors=READ_ERRORS,
    ),
    Operation(
        method="post",
        path="/api/chat",
        says="The old route: a share of its callers is answered by /api/ai/v2/chat, the rest as before",
        tag=CHATS,
        parameters=CHAT_HEADERS,
        body=(Media(ChatBody),),
        answers=_CHAT,
        errors=CHAT_ERRORS,
    ),
    Operation(
        method="post",
        path="/api/ai/route",
        says="Which model would answer a chat, and why; calls no model",
        tag=CHATS,
        body=(Media(ChatBody),),
        answers=one("The recommendation.", answered.Recommendation),
        errors=(*SMALL_ERRORS, 404),
    ),
    Operation(
        method="post",
        path="/api/ai/feedback",
        says="A vote on one of the caller's own answers",
        tag=CHATS,
        body=(Media(FeedbackBody),),
        answers=one("What became of it.", answered.Vote),
        errors=(*SMALL_ERRORS, 404),
    ),
)

BATCH_OPERATIONS: Final = (
    Operation(
        method="post",
        path="/api/ai/v2/batch",
        says="Many chats: up to 100 while the client waits, or thousands as a durable job",
        tag=BATCHES,
        parameters=CHAT_HEADERS,
        body=(Media(BatchBody), Media("One chat a line", LINES)),
        answers=(
            (
                200,
                Answer(
                    f"All results. {STREAMED}",
                    (Media(answered.Batch), Media("A result a line", LINES), Media("Server-sent events", EVENTS)),
                ),
            ),
            (202, Answer("The job, which is now worked on.", (Media(answered.BatchJob),))),
        ),
        errors=CHAT_ERRORS,
    ),
    Operation(
        method="get",
        path="/api/ai/v2/batch/{id}",
        says="How a durable batch stands",
        tag=BATCHES,
        parameters=(_JOB_ID,),
        answers=one("Its counts.", answered.BatchJob),
        errors=READ_ERRORS,
    ),
    Operation(
        method="delete",
        path="/api/ai/v2/batch/{id}",
        says="Cancel a durable batch: nothing more of it is begun",
        tag=BATCHES,
        parameters=(_JOB_ID,),
        answers=one("Its counts.", answered.BatchJob),
        errors=READ_ERRORS,
    ),
    Operation(
        method="get",
        path="/api/ai/v2/batch/{id}/results",
        says="Results so far, a line of JSON each",
        tag=BATCHES,
        parameters=(
            _JOB_ID,
            Parameter("after", "query", "Index of the last result that is known.", pattern=r"^(-1|[0-9]{1,8})$"),
        ),
        answers=((200, Answer("The results.", (Media("A result a line", LINES),))),),
        errors=READ_ERRORS,
    ),
)
