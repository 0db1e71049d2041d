"""Datasets: images of a selection as training data, with labels, splits, and a manifest that makes them reproducible."""
