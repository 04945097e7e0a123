"""Who a caller is and what they are entitled to: API keys, tokens of identity providers, tiers."""
