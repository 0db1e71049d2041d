"""Makes the folder of the library that draws the charts of ``/ai/catalog``: Observable Plot, and D3 on which it stands.

Both are taken as npm has them, each in one file for browsers, with their licences beside them. Nothing is changed.

Usage: ``python3 tools/charts.py FOLDER DESTINATION`` with the packages in FOLDER, as ``npm pack`` leaves them there;
``python3 tools/charts.py`` names the packages.
"""

import base64
import hashlib
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path


class ChartsError(Exception):
    """A package is not there, or not the one that is locked."""


@dataclass(frozen=True)
class Package:
    """A package of npm, and which of its files are wanted, by the names that they get."""

    name: str
    version: str
    integrity: str
    """As `npm view NAME@VERSION dist.integrity` gives it (Subresource Integrity: base64 of the digest)."""
    files: dict[str, str]

    @property
    def archive(self) -> str:
        """File name that ``npm pack`` gives it."""
        return f"{self.name.removeprefix('@').replace('/', '-')}-{self.version}.tgz"


PACKAGES = (
    Package(
        "d3",
        "7.9.2",
        "sha512-ZKb/mONPVKzaO5UlcWcwN8bS4ezvQaYu+bsou+XgNABdGC800kwH651ADTbbTxMPHW13UlvbQafdmJQDk1w7Mg==",
        {"dist/d3.min.js": "d3.js", "LICENSE": "d3-license.txt"},
    ),
    Package(
        "@observablehq/plot",
        "0.6.17",
        "sha512-/qaXP/7mc4MUS0s4cPPFASDRjtsWp85/TbfsciqDgU1HwYixbSbbytNuInD8AcTYC3xaxACgVX06agdfQy9W+g==",
        {"dist/plot.umd.min.js": "plot.js", "LICENSE": "plot-license.txt"},
    ),
)


def unpack(package: Package, archive: Path, folder: Path) -> None:
    """Put the wanted files of a package into a folder.

    Raises
    ------
    ChartsError
        If it is not the locked one.
    """
    if not archive.is_file():
        raise ChartsError(f"{package.name}: there is no {archive}")
    found = "sha512-" + base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if found != package.integrity:
        raise ChartsError(f"{package.name} {package.version}: digest {found}, locked is {package.integrity}")
    with tarfile.open(archive) as opened:
        for inside, name in package.files.items():
            file = opened.extractfile(f"package/{inside}")
            if file is None:
                raise ChartsError(f"{package.name} {package.version}: {inside} is no file")
            (folder / name).write_bytes(file.read())


def build(archives: Path, destination: Path, packages: tuple[Package, ...] = PACKAGES) -> None:
    """Unpack all beside the destination and put them in its place only when they are whole.

    Raises
    ------
    ChartsError
        As :func:`unpack`.
    """
    with tempfile.TemporaryDirectory(dir=destination.parent, prefix=".charts-") as temporary:
        folder = Path(temporary) / "charts"
        folder.mkdir()
        for package in packages:
            unpack(package, archives / package.archive, folder)
        if destination.exists():
            destination.rename(Path(temporary) / "previous")
        folder.rename(destination)


if __name__ == "__main__":
    if len(sys.argv) == 1:
        print(*(f"{package.name}@{package.version}" for package in PACKAGES))
    else:
        try:
            build(Path(sys.argv[1]), Path(sys.argv[2]))
        except ChartsError as error:
            sys.exit(f"charts: {error}")
