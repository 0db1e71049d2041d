"""Long work that somebody asks for, e.g. an export: it shows how far it is, outlives a restart, and can be cancelled.

Analyses begin by themselves and belong to one resource; their state stands in Orthanc's index. A batch is asked for, has
a result of its own, and its state stands in a folder of its own, beside that result.
"""
