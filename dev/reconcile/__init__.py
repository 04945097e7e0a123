"""The operator's `python -m dev.reconcile`: closes the books, and says whether they balance."""
