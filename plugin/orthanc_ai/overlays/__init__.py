"""DICOM objects that a viewer shows with a radiograph: heat maps, outlines."""
