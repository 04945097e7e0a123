"""Trains what the near tier of the cache goes by: how common terms are, and the trees of its verifier."""
