"""/api/ai/hooks/*: events from other services."""

from lib.app import app_for

app = app_for("hooks")
