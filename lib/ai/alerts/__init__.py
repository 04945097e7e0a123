"""Alerts: what is worth one, raised once each for all instances, and telling whoever is to know."""
