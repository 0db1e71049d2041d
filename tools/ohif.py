"""Makes the folder that is served as the OHIF viewer at ``/ohif/`` from the package ``@ohif/app`` of npm.

The package is built for the root of a web server. Served under a path of its own, it needs that path in its page, in
its style sheets and in the places where webpack puts the address of further files (web workers fail silently
otherwise). Each change must match as often as it did when it was written: another build of OHIF stops here instead of
failing in a user's browser.

Usage: ``python3 tools/ohif.py PACKAGE.tgz DESTINATION``
"""

import base64
import hashlib
import shutil
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

VERSION = "3.13.2"
# As `npm view @ohif/app@3.13.2 dist.integrity` gives it (Subresource Integrity: base64 of the digest).
INTEGRITY = "sha512-WZdxmpmG7rqFgW9ZJLcbgr3XCtLi1KDNPoMaeY5PPe6j4G4fjEjjkycZM6C6Zk2F87BKxFfpq+jd5xXZB9E8EA=="
CONFIGURATION = Path(__file__).with_name("ohif-config.js")

# Whole parts that this server has no use for, 156 of 204 MB: segmentation networks that run in the browser, whole-slide
# microscopy, and a service worker that would load its code from another site.
LEFT_OUT = ("ort/", "dicom-microscopy-viewer/", "sw.js")


class OhifError(Exception):
    """The package is not the one that this module knows how to change."""


@dataclass(frozen=True)
class Change:
    """A text that stands ``times`` times in each of the files, and what takes its place."""

    files: str
    """Glob pattern of the files, below the folder."""
    number_of_files: int
    """How many of the files have the text."""
    old: str
    new: str
    times: int
    """Times per file."""


CHANGES = (
    Change("index.html", 1, 'window.PUBLIC_URL="/"', 'window.PUBLIC_URL="/ohif/"', 2),
    Change("index.html", 1, 'href="/', 'href="/ohif/', 28),
    Change("index.html", 1, 'src="/', 'src="/ohif/', 3),
    Change("index.html", 1, 'content="/', 'content="/ohif/', 2),
    Change("manifest.json", 1, '"src": "/', '"src": "/ohif/', 9),
    Change("*.css", 1, "url(/", "url(/ohif/", 5),
    # cornerstone3D 5.6.8 takes the first letter of VOI LUT Function (0028,1056) for the whole, and then draws the image
    # without its window, mostly white (its issue 2844).
    Change("app.bundle.*.js", 1, "voiLutModule.voiLUTFunction[0]", "[voiLutModule.voiLUTFunction].flat()[0]", 1),
    # It moves along the rows by the distance between them (its issue 2758): where pixels are not square, the lines of a
    # report were drawn elsewhere, and with another length.
    Change(
        "*.js",
        2,
        "let { columnPixelSpacing, rowPixelSpacing } = imagePlaneModule;",
        "let { columnPixelSpacing: rowPixelSpacing, rowPixelSpacing: columnPixelSpacing } = imagePlaneModule;",
        2,
    ),
    # It calls a radiograph's millimeters pixels as soon as the image is shown a second time, since that has no
    # orientation in the patient (its pull request 2324).
    Change(
        "*.js",
        2,
        "(!imagePlaneModule.usingDefaultValues &&",
        "calibration?.rowPixelSpacing > 0 || (!imagePlaneModule.usingDefaultValues &&",
        1,
    ),
    # The application and its seven web workers.
    Change("*.js", 8, '__webpack_require__.p = "/";', '__webpack_require__.p = "/ohif/";', 1),
)


def integrity(package: Path) -> str:
    """Subresource Integrity of a file: ``sha512-`` and the digest in base64, as npm records it."""
    return "sha512-" + base64.b64encode(hashlib.sha512(package.read_bytes()).digest()).decode()


def unpack(package: Path, folder: Path) -> None:
    """Unpack the built viewer of the package into an empty folder, without the parts left out.

    Raises
    ------
    OhifError
        If the package's digest is not the locked one.
    """
    found = integrity(package)
    if found != INTEGRITY:
        raise OhifError(f"{package.name} is not @ohif/app {VERSION}: digest {found}, locked is {INTEGRITY}")
    with tarfile.open(package) as archive:
        for member in archive.getmembers():
            inside = member.name.removeprefix("package/dist/")
            if inside == member.name or inside.startswith(LEFT_OUT):
                continue
            member.name = inside
            archive.extract(member, folder, filter="data")


def change(folder: Path, changes: tuple[Change, ...] = CHANGES) -> None:
    """Apply the changes to the unpacked viewer.

    Raises
    ------
    OhifError
        If one of them matches more or fewer places than it should.
    """
    for wanted in changes:
        having = 0
        for path in sorted(folder.glob(wanted.files)):
            text = path.read_bytes()
            times = text.count(wanted.old.encode())
            if not times:
                continue
            if times != wanted.times:
                raise OhifError(f"{path.name}: {wanted.old!r} stands {times} times, not {wanted.times}")
            path.write_bytes(text.replace(wanted.old.encode(), wanted.new.encode()))
            having += 1
        if having != wanted.number_of_files:
            raise OhifError(f"{wanted.old!r} stands in {having} files {wanted.files}, not {wanted.number_of_files}")


def build(package: Path, destination: Path) -> None:
    """Build the viewer beside its destination and put it in the destination's place only when it is whole.

    Raises
    ------
    OhifError
        As :func:`unpack` and :func:`change`.
    """
    with tempfile.TemporaryDirectory(dir=destination.parent, prefix=".ohif-") as temporary:
        folder = Path(temporary) / "ohif"
        folder.mkdir()
        unpack(package, folder)
        change(folder)
        shutil.copyfile(CONFIGURATION, folder / "app-config.js")
        if destination.exists():
            destination.rename(Path(temporary) / "previous")
        folder.rename(destination)


if __name__ == "__main__":
    try:
        build(Path(sys.argv[1]), Path(sys.argv[2]))
    except OhifError as error:
        sys.exit(f"OHIF: {error}")
