"""Names that are not a model of ours but mean one: the customer's older names and official ids that are gone.

A trailing `*` matches any ending. The first row that matches wins; exact ids and bare model names come before all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class AliasRow:
    """One name, and the model that serves it now."""

    pattern: str
    """Lower case, without a provider."""
    target: str
    gone: bool = True
    """True when the name was a model that is no longer offered; False when it is just another name."""

    def matches(self, name: str) -> bool:
        """Whether `name` (lower case, without a provider) is meant by this row."""
        if self.pattern.endswith("*"):
            return name.startswith(self.pattern[:-1])
        return name == self.pattern


ALIASES: Final[tuple[AliasRow, ...]] = (
    AliasRow("chatgpt-4o-latest", "openai/gpt-4o"),
    AliasRow("gpt-4", "openai/gpt-4.1"),
    AliasRow("gpt-4-turbo*", "openai/gpt-4.1"),
    AliasRow("gpt-4.1-mini*", "openai/gpt-6-luna"),
    AliasRow("gpt-4.1-nano*", "openai/gpt-6-luna"),
    AliasRow("gpt-3.5-turbo*", "openai/gpt-6-luna"),
    AliasRow("o1-mini*", "openai/gpt-6.1-terra"),
    AliasRow("o1*", "openai/gpt-6.1-sol"),
    AliasRow("o3-mini*", "openai/gpt-6.1-terra"),
    AliasRow("o3*", "openai/gpt-6.1-sol"),
    AliasRow("o4-mini*", "openai/gpt-6.1-terra"),
    AliasRow("gpt-5-nano*", "openai/gpt-6-luna"),
    AliasRow("gpt-5-mini*", "openai/gpt-5.4-mini"),
    AliasRow("gpt-5", "openai/gpt-5.6-terra"),
    AliasRow("gpt-5-2025-*", "openai/gpt-5.6-terra"),
    AliasRow("gpt-5.6", "openai/gpt-5.6-sol", gone=False),
    AliasRow("gpt-6-sol", "openai/gpt-6.1-sol"),
    AliasRow("claude-sonnet", "anthropic/claude-sonnet-5-5", gone=False),
    AliasRow("claude-sonnet-*", "anthropic/claude-sonnet-5-5"),
    AliasRow("claude-3.5-sonnet*", "anthropic/claude-sonnet-5-5"),
    AliasRow("claude-3-5-sonnet*", "anthropic/claude-sonnet-5-5"),
    AliasRow("claude-3.7-sonnet*", "anthropic/claude-sonnet-5-5"),
    AliasRow("claude-3-7-sonnet*", "anthropic/claude-sonnet-5-5"),
    AliasRow("claude-3-sonnet*", "anthropic/claude-sonnet-5-5"),
    AliasRow("claude-opus", "anthropic/claude-opus-5-5", gone=False),
    AliasRow("claude-opus-*", "anthropic/claude-opus-5-5"),
    AliasRow("claude-3-opus*", "anthropic/claude-opus-5-5"),
    AliasRow("claude-haiku", "anthropic/claude-haiku-5-5", gone=False),
    AliasRow("claude-3.5-haiku*", "anthropic/claude-haiku-5-5"),
    AliasRow("claude-3-5-haiku*", "anthropic/claude-haiku-5-5"),
    AliasRow("claude-3-haiku*", "anthropic/claude-haiku-5-5"),
    AliasRow("claude-fable-5", "anthropic/claude-fable-5-2"),
    AliasRow("claude-fable-5-1", "anthropic/claude-fable-5-2"),
    AliasRow("gemini-1.5-pro*", "google/gemini-3.8-flash"),
    AliasRow("gemini-1.5-flash*", "google/gemini-3.5-flash-lite"),
    AliasRow("gemini-2.0-flash*", "google/gemini-3.5-flash-lite"),
    AliasRow("gemini-2.5-flash-lite*", "google/gemini-3.5-flash-lite"),
    AliasRow("gemini-2.5-flash*", "google/gemini-3.8-flash"),
    AliasRow("gemini-2.5-pro*", "google/gemini-3.1-pro-preview"),
    AliasRow("gemini-3.1-pro", "google/gemini-3.1-pro-preview", gone=False),
    AliasRow("gemini-pro", "google/gemini-3.1-pro-preview", gone=False),
    AliasRow("gemini-flash", "google/gemini-3.8-flash", gone=False),
    AliasRow("deepseek-coder*", "deepseek/deepseek-v4-flash"),
    AliasRow("deepseek-chat", "deepseek/deepseek-v4-flash"),
    AliasRow("deepseek-reasoner", "deepseek/deepseek-v4-pro"),
    AliasRow("mistral-medium-3-5", "mistral/mistral-medium-3.5", gone=False),
    AliasRow("crowelogic-mini", "crowelogic/mini", gone=False),
    AliasRow("crowelogic", "crowelogic/mini", gone=False),
)
