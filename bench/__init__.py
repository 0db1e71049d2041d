"""Benchmarks: what the plugin costs and how fast it is, measured beside what a user would have without it.

Each question is a module with a `main`; ``python3 -m bench QUESTION --help`` lists its options.
"""
