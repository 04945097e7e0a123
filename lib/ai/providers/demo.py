"""The demo provider: answers without a network, a key or a cost, always the same to the same question.

It says what it is in every answer.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from typing import Final

from lib.ai.providers.base import ProviderCall
from lib.answer import Completion, Delta, FinishReason, Usage
from lib.messages import estimate_input_tokens, estimate_tokens, last_user_text

LABEL: Final = "[demo]"
ECHOED: Final = 400
"""Characters of the question that are repeated."""
CHARACTERS_PER_PIECE: Final = 24


class Demo:
    """Implements `base.Adapter`. Its token counts are exact by definition: it has no tokens but the estimated ones."""

    async def call(self, call: ProviderCall) -> AsyncGenerator[Delta | Completion, None]:
        """As `Adapter.call`; never fails."""
        whole = answer_to(last_user_text(call.request.messages))
        text, reason = shortened(whole, call.request.max_tokens)
        for choice in range(call.request.n):
            for piece in pieces(text) if call.request.stream else (text,):
                yield Delta(text=piece, choice=choice)
        yield Completion(
            finish_reasons=(reason,) * call.request.n,
            usage=Usage(
                input_tokens=estimate_input_tokens(call.request),
                output_tokens=call.request.n * estimate_tokens(text),
            ),
            served_model=call.model.wire_name,
        )

    def dropped_params(self, call: ProviderCall) -> tuple[str, ...]:
        """What the caller set and the demo does not look at."""
        request = call.request
        given = {
            "temperature": request.temperature is not None,
            "top_p": request.top_p is not None,
            "stop": bool(request.stop),
            "seed": request.seed is not None,
            "tools": bool(request.tools),
            "response_format": request.response_format is not None,
        }
        return tuple(sorted({name for name, is_given in given.items() if is_given} | request.extra.keys()))


def answer_to(question: str) -> str:
    """The demo's whole answer to a question."""
    heard = " ".join(question.split())
    quoted = heard if len(heard) <= ECHOED else heard[: ECHOED - 1] + "…"
    said = f"You said: “{quoted}”. " if quoted else ""
    return (
        f"{LABEL} {said}This answer was made up by the gateway itself, without a model. "
        "Set a provider's key, for example OPENAI_API_KEY, to talk to a real one."
    )


def shortened(text: str, max_tokens: int | None) -> tuple[str, FinishReason]:
    """The text within `max_tokens` as `estimate_tokens` counts them, and whether that cut it."""
    if max_tokens is None or estimate_tokens(text) <= max_tokens:
        return text, FinishReason.STOP
    low, high = 1, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if estimate_tokens(text[:middle]) <= max_tokens:
            low = middle
        else:
            high = middle - 1
    return text[:low], FinishReason.LENGTH


def pieces(text: str) -> Iterator[str]:
    """The text in pieces of about a phrase."""
    for start in range(0, len(text), CHARACTERS_PER_PIECE):
        yield text[start : start + CHARACTERS_PER_PIECE]
