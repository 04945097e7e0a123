"""The document's claims, tried in a seeded simulation: the product's own pipeline on a virtual clock."""
