"""Models: their cards, weights, export and engines."""
