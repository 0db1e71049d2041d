"""Sending reports on to the archive."""
