"""The soak: minutes of mixed load under random faults of every kind, then the books and the promises are checked."""
