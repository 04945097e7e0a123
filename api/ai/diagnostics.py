"""GET /api/ai/test-rate-limit and /api/ai/test-cache: limits and store at work. Off in production by default."""

from lib.app import app_for

app = app_for("diagnostics")
