"""Images of any kind: what the cells of a DICOM file stand for, and how they look."""
