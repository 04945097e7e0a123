"""Embeddings: limited, cached by input, computed by one model wherever it can be had, accounted."""
