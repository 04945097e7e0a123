"""The providers this product can call. Another OpenAI-compatible one is another row here, or in `GATEWAY_MODELS`.

Base URLs are the vendors' documented ones; `<PROVIDER>_BASE_URL` overrides each.
"""

from __future__ import annotations

from typing import Final

from lib.catalog.rows import Protocol, ProviderRow

DEMO: Final = "demo"
"""Id of the provider that answers without a network or a key, and costs nothing."""
OPENAIS_ALONE: Final = frozenset[str]()
"""For providers that refuse fields of messages which are not OpenAI's."""

PROVIDERS: Final[tuple[ProviderRow, ...]] = (
    ProviderRow(
        id="openai",
        protocol=Protocol.OPENAI,
        base_url="https://api.openai.com/v1",
        key_variable="OPENAI_API_KEY",
        takes=OPENAIS_ALONE,
    ),
    ProviderRow(
        id="anthropic",
        protocol=Protocol.ANTHROPIC,
        base_url="https://api.anthropic.com/v1",
        key_variable="ANTHROPIC_API_KEY",
    ),
    ProviderRow(
        id="google",
        protocol=Protocol.OPENAI,
        base_url="https://generativelanguage.googleapis.com/v1beta/openai",
        key_variable="GEMINI_API_KEY",
        takes=frozenset({"extra_content"}),
    ),
    ProviderRow(
        id="deepseek",
        protocol=Protocol.OPENAI,
        base_url="https://api.deepseek.com/v1",
        key_variable="DEEPSEEK_API_KEY",
    ),
    ProviderRow(
        id="xai",
        protocol=Protocol.OPENAI,
        base_url="https://api.x.ai/v1",
        key_variable="XAI_API_KEY",
        price_source="x-ai",
        takes=OPENAIS_ALONE,
    ),
    ProviderRow(
        id="mistral",
        protocol=Protocol.OPENAI,
        base_url="https://api.mistral.ai/v1",
        key_variable="MISTRAL_API_KEY",
        takes=OPENAIS_ALONE,
        call_id_length=9,
    ),
    ProviderRow(
        id="moonshot",
        protocol=Protocol.OPENAI,
        base_url="https://api.moonshot.ai/v1",
        key_variable="MOONSHOT_API_KEY",
        price_source="moonshotai",
    ),
    ProviderRow(
        id="groq",
        protocol=Protocol.OPENAI,
        base_url="https://api.groq.com/openai/v1",
        key_variable="GROQ_API_KEY",
        takes=OPENAIS_ALONE,
    ),
    ProviderRow(
        id="cohere",
        protocol=Protocol.OPENAI,
        base_url="https://api.cohere.ai/compatibility/v1",
        key_variable="COHERE_API_KEY",
        takes=OPENAIS_ALONE,
    ),
    # CroweLogic's address is the customer's own: without CROWELOGIC_BASE_URL the provider is not there.
    ProviderRow(id="crowelogic", protocol=Protocol.OPENAI, base_url="", key_variable="CROWELOGIC_API_KEY"),
    ProviderRow(
        id="vercel",
        protocol=Protocol.OPENAI,
        base_url="https://ai-gateway.vercel.sh/v1",
        key_variable="AI_GATEWAY_API_KEY",
    ),
    ProviderRow(id=DEMO, protocol=Protocol.DEMO, base_url="demo:"),
)
