"""Digital phantoms with known truth: images computed from a parametric body, for tests, bench, demo and training."""
