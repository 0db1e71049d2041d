"""Volumes in Hounsfield units, out of the images of a CT series, and the files that notebooks read.

- `plan`: which images of a series make a volume, one for each cardiac phase, and which are left out, and why
- `read`: the images of one phase as a `volume.Volume`
- `formats`, `slices`: written as NIfTI, NRRD or NPZ, and as windowed PNG
- `grid`: where its voxels lie in the patient
- `export`: one phase into a folder, in a worker process
- `batch`, `choice`: the half that runs in the server
"""
