"""POST /api/ai/v2/chat: a chat through the whole pipeline, as JSON, OpenAI chunks or an AI SDK UI stream."""

from lib.app import app_for

app = app_for("chat")
