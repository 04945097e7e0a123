"""POST /api/ai/feedback: votes on answers."""

from lib.app import app_for

app = app_for("feedback")
