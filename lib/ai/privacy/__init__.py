"""What is held about one user: shown to them, and deleted."""
