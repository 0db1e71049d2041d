"""The ``/ai/`` routes: one file for each resource, one table of routes, and the description made from that table.

- `http`: requests, answers and problems, free of Orthanc
- `context`: what the handlers are given
- `routes`: the table from which both dispatching and ``/ai/openapi.json`` are made
- `dispatch`: from Orthanc's HTTP threads to threads of our own and back
"""
