"""Reports: DICOM SR documents that say what an analysis found, and readers for them."""
