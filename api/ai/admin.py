"""/api/ai/admin/*: administration."""

from lib.app import app_for

app = app_for("admin")
