"""Collecting: studies that a filter wants, found at another archive and fetched from it."""
