"""Tables of tags: one row per image, with chosen attributes and pixel statistics, as CSV, Parquet and SQLite.

- `paths`: what is asked for, as ``RequestAttributesSequence[0].ScheduledProcedureStepID``
- `dictionary`, `lookup`: what DICOM's data dictionary says of it; pydicom has it, which the server does not load
- `columns`: the columns of a table, and their types
- `values`, `rows`: a DICOM file as rows, in a worker process
- `parts`: finished rows, some hundred to a file
- `formats`, `assemble`: the parts as files that notebooks read, in a worker process
- `batch`: the half that runs in the server
"""
