"""Usage records, the totals made from them, and reading them back."""
