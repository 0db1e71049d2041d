"""Fuzz targets: one module for each reader of untrusted input, with `seeds` and `one_input`. See `make fuzz`."""

TARGETS = ("radiograph", "report", "index", "multiframe", "frame")
