"""De-identification of what leaves the server (PS3.15 annex E): DICOM files, and whatever is said about images.

`pseudonyms`, `options`, `private` and `faces` need the standard library alone, for the server itself imports them; all that looks
into DICOM files is for workers.
"""
