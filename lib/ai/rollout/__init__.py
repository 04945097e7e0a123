"""The gradual rollout of this product in front of what it takes the place of."""
