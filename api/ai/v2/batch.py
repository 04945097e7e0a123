"""/api/ai/v2/batch: many chats at once, inline or as a durable job; each job is below by its id."""

from lib.app import app_for

app = app_for("batch")
