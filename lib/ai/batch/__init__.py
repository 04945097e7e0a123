"""Many chats at once: inline while the client waits, or as a durable job that functions work off in slices."""
