"""Builds the container image from the real Dockerfile, without a container engine, and starts servers in it.

buildah builds with chroot isolation, on a base that stands in for the published image of Orthanc (``stand_in/``). The
image's root file system is then mounted, and a server is its ENTRYPOINT with its CMD, run in that root; the process that
is started becomes Orthanc itself, so that signals arrive.
"""

import hashlib
import json
import os
import resource
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

PRODUCT = Path(__file__).resolve().parents[2]
STAND_IN = Path(__file__).with_name("stand_in")

ENVIRONMENT = "ORTHANC_AI_IMAGE"
"""Environment variable with the path of a description of an image (:meth:`Image.write`): live tests then run in it."""

# Debian's packages of the stand-in: what the product needs, and some plugins that it must not load.
PACKAGES = ("ca-certificates", "locales", "orthanc", "orthanc-python", "orthanc-dicomweb", "orthanc-gdcm")
DECOYS = ("orthanc-postgresql", "orthanc-webviewer", "orthanc-wsi")

CERTIFICATES = Path("/etc/ssl/certs")
"""This machine's certificate authorities: a site's own are needed to reach the package registries through its proxy."""


@dataclass(frozen=True)
class Image:
    """A container image whose root file system is mounted."""

    root: str
    entrypoint: list[str]
    command: list[str]
    environment: list[str]
    """As ``NAME=value``."""
    working_directory: str
    volumes: list[str]
    ports: list[str]

    def write(self, path: Path) -> None:
        """Write the description that ``ORTHANC_AI_IMAGE`` names."""
        path.write_text(json.dumps(asdict(self)))

    def start_command(
        self, binds: Sequence[tuple[Path, str]] = (), arguments: Sequence[str] | None = None
    ) -> list[str]:
        """Command that becomes the server, in this image's root.

        Parameters
        ----------
        binds
            Files and folders of this machine and where the image shall see them.
        arguments
            Instead of the image's CMD.
        """
        # As a container engine does: a layer of the server's own on top of the image, here in memory, gone with it.
        root = "/mnt/root"
        layers = f"lowerdir={self.root},upperdir=/mnt/upper,workdir=/mnt/work"
        steps = ["mount -t tmpfs tmpfs /mnt", f"mkdir /mnt/upper /mnt/work {root}"]
        steps += [f"mount -t overlay overlay -o {shlex.quote(layers)} {root}"]
        steps += [f"mount --rbind {place} {root}{place}" for place in ("/proc", "/dev")]
        for source, target in binds:
            inside = shlex.quote(root + target)
            made = f"mkdir -p {inside}" if source.is_dir() else f"mkdir -p $(dirname {inside}) && touch {inside}"
            steps += [made, f"mount --bind {shlex.quote(str(source))} {inside}"]
        run = shlex.join([*self.entrypoint, *(self.command if arguments is None else arguments)])
        inside_run = f"cd {shlex.quote(self.working_directory)} && exec {run}"
        steps.append(shlex.join(["exec", "env", "-i", *self.environment, "chroot", root, "sh", "-c", inside_run]))
        return ["unshare", "--mount", "sh", "-ec", "\n".join(steps)]


def server_command(configuration: Path, folders: Sequence[Path]) -> list[str]:
    """Command that becomes a server with the given configuration: beside the tests, or in the image that they ask for.

    In the image it is ENTRYPOINT and CMD, and the configuration takes the place of the image's own.

    Parameters
    ----------
    folders
        What the configuration refers to; the image sees it at the same place.
    """
    path = os.environ.get(ENVIRONMENT)
    if not path:
        return ["Orthanc", str(configuration)]
    image = Image(**json.loads(Path(path).read_text()))
    started_in(Path(path)).touch()
    binds = [(folder, str(folder)) for folder in folders if folder.exists()]
    return image.start_command([*binds, (configuration, "/etc/orthanc/orthanc.json")])


def started_in(description: Path) -> Path:
    """File that is there as soon as a server was started in the image of this description."""
    return description.with_suffix(".started")


class Builder:
    """Builds images in a folder of its own.

    Parameters
    ----------
    folder
        For layers and the stand-in's root; a real file system, since overlays are mounted on it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def build(self) -> Image:
        """Build stand-in and product, and mount the product's root."""
        self._build("stand-in", self._stand_in())
        volume = f"{CERTIFICATES}:{CERTIFICATES}:ro"
        self._build("orthanc-ai", PRODUCT, "--build-arg", "BASE=localhost/stand-in", "--volume", volume)
        config = json.loads(self._buildah("inspect", "--type", "image", "orthanc-ai"))["OCIv1"]["config"]
        container = self._buildah("from", "orthanc-ai").strip()
        return Image(
            root=self._buildah("mount", container).strip(),
            entrypoint=config["Entrypoint"],
            command=config["Cmd"],
            environment=config["Env"],
            working_directory=config["WorkingDir"],
            volumes=sorted(config["Volumes"]),
            ports=sorted(config["ExposedPorts"]),
        )

    def release(self) -> None:
        """Unmount what was built. The layers stay: the next build takes those that would be the same."""
        self._buildah("rm", "--all")

    def _stand_in(self) -> Path:
        arrange = STAND_IN / "arrange.sh"
        made_of = hashlib.sha256(f"{PACKAGES}{DECOYS}{arrange.read_text()}".encode()).hexdigest()[:16]
        context = self.folder / f"stand-in-{made_of}"
        archive = context / "root.tar"
        if not archive.exists():
            context.mkdir(exist_ok=True)
            shutil.copy(STAND_IN / "Dockerfile", context)
            fresh = context / "new.tar"
            include = "--include=" + ",".join(PACKAGES + DECOYS)
            hook = f'--customize-hook={shlex.quote(str(arrange))} "$1"'
            _run(["mmdebstrap", "--quiet", "--variant=minbase", include, hook, "trixie", str(fresh)])
            fresh.rename(archive)
        return context

    def _build(self, name: str, context: Path, *options: str) -> None:
        # buildah would raise these limits, which not every root may.
        limits = []
        for limit, kind in (("nofile", resource.RLIMIT_NOFILE), ("nproc", resource.RLIMIT_NPROC)):
            soft, hard = resource.getrlimit(kind)
            limits += ["--ulimit", f"{limit}={soft}:{hard}"]
        self._buildah("build", "--layers", "--isolation", "chroot", "--tag", name, *limits, *options, str(context))

    def _buildah(self, *arguments: str) -> str:
        places = ["--root", str(self.folder / "storage"), "--runroot", str(self.folder / "run")]
        return _run(["buildah", *places, "--storage-driver", "overlay", *arguments])


def _run(command: list[str]) -> str:
    """Standard output of a command; what it says on the way can be followed in pytest's captured output."""
    print("$", shlex.join(command), flush=True)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    sys.stdout.write(done.stderr)
    if done.returncode:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    return done.stdout
