"""Orthanc AI: an Orthanc server that reads its own images."""

__version__ = "0.1.0"
