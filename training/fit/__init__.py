"""A quality table from an operator's own outcomes."""
