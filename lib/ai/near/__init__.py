"""The near tier at work: what is looked up, what may be served, and what is learned from each comparison."""
