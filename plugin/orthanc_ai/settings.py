"""The ``AI`` section of orthanc.json: typed, validated, every field documented.

The field names are those of the JSON file (CamelCase, as in the rest of Orthanc's configuration); in Python they are
snake_case. ``docs/configuration.md`` is generated from this module, so the descriptions here are what users read.
"""

import os
import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_pascal

from .concepts import Concept

EVERYBODY = "*"
"""In `AI.Readers`: all users."""


class SettingsError(Exception):
    """A setting has a wrong value. The message names the field, what was found and what is allowed."""


class Section(BaseModel):
    """A part of the configuration: unknown fields are errors, values are never coerced from another type."""

    model_config = ConfigDict(
        alias_generator=to_pascal,
        extra="forbid",
        frozen=True,
        strict=True,
        populate_by_name=True,
        use_attribute_docstrings=True,
    )


class Sources(Section):
    """Whose images are analysed. An empty list admits every sender.

    Images that Orthanc itself fetched (C-MOVE, C-GET: priors) come from the archive's AET: list only the modalities
    here and priors stay alone.
    """

    remote_aet: list[str] = Field(default=[], alias="RemoteAET")
    """AE titles of senders by C-STORE, e.g. `["DX_ROOM1"]`."""

    called_aet: list[str] = Field(default=[], alias="CalledAET")
    """AE titles under which senders called this server."""

    origin: list[Literal["DicomProtocol", "RestApi", "Plugins", "Lua", "WebDav"]] = []
    """Ways in, as Orthanc's `Origin` metadata names them: C-STORE is `DicomProtocol`, an upload by POST is `RestApi`,
    STOW-RS is `Plugins`."""

    def admit(self, metadata: Mapping[str, str]) -> bool:
        """Whether the sender of an instance, by its Orthanc metadata, is named. What is not limited is admitted."""
        limits = ((self.remote_aet, "RemoteAET"), (self.called_aet, "CalledAET"), (self.origin, "Origin"))
        return all(not allowed or metadata.get(name, "") in allowed for allowed, name in limits)


class Priority(Section):
    """What overtakes the rest. An image is urgent if any of these says so."""

    remote_aet: list[str] = Field(default=[], alias="RemoteAET")
    """AE titles of senders by C-STORE whose images are urgent, e.g. `["ER_DX"]`."""

    called_aet: list[str] = Field(default=[], alias="CalledAET")
    """AE titles under which senders call this server with what is urgent, e.g. `["AI_STAT"]`."""

    stat: bool = True
    """Studies whose Requested Procedure Priority is `STAT` or `HIGH` are urgent. Orthanc's index must have that tag:
    `ExtraMainDicomTags` of orthanc.json names it."""

    def is_urgent(self, metadata: Mapping[str, str]) -> bool:
        """Whether an instance is urgent by its sender, as its Orthanc metadata name it."""
        return metadata.get("RemoteAET", "") in self.remote_aet or metadata.get("CalledAET", "") in self.called_aet

    def is_stat(self, study: Mapping[str, Any]) -> bool:
        """Whether a study is urgent by its Requested Procedure Priority (0040,1003), whose terms are in PS3.3 C.4.11."""
        return self.stat and str(study.get("RequestedProcedurePriority", "")).strip().upper() in {"STAT", "HIGH"}


Fraction = Annotated[float, Field(ge=0, le=1, strict=False)]

Label = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
"""What Orthanc takes for a label (`ServerToolbox::IsValidLabel` of 1.12.7)."""


class Limits(Section):
    """Which reports a destination gets: those that all of its limits admit. An empty list admits every report."""

    findings: list[str] = []
    """Labels of findings of which the report has at least one at or above its threshold."""

    labels: list[Label] = []
    """Labels of which the study bears at least one when the report is stored."""

    sources: Sources = Sources()
    """Senders of the image, or of any image of the CT study."""


class Archive(Limits):
    """An archive that reports are sent on to."""

    name: str
    """Its name in Orthanc's configuration."""

    with_: list[Literal["overlays", "images"]] = Field(default=[], alias="With")
    """What it gets beside the report: `overlays` are the heat maps, outlines and lines that belong to it, `images` is the image
    that it is about, or the whole CT study."""


def _named(value: Any) -> Any:
    return {"Name": value} if isinstance(value, str) else value


NamedArchive = Annotated[Archive, BeforeValidator(_named)]
"""An archive, of which the name alone says enough."""

_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


class Webhook(Limits):
    """A program that is told of reports by HTTP POST, signed after the Standard Webhooks scheme."""

    name: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")
    """What it is called in `/ai/jobs` and in the log."""

    url: str
    """Where to post, `https://` or `http://`, without user and password."""

    secret: SecretStr | None = None
    """What messages are signed with: `whsec_` and 24 to 64 random bytes in Base64. Several, with spaces between them, while a
    secret is replaced by another one. One of `Secret`, `SecretFile` and `SecretEnvironment` must be there."""

    secret_file: Path | None = Field(default=None, strict=False)
    """File that holds the secret."""

    secret_environment: str | None = None
    """Environment variable of Orthanc that holds the secret."""

    events: list[Literal["xray.reported", "cardiac_ct.reported"]] = ["xray.reported", "cardiac_ct.reported"]
    """What it is told of."""

    with_: list[Literal["uids", "accession", "patient"]] = Field(default=[], alias="With")
    """What a message says beyond Orthanc's identifiers: the DICOM UIDs of study, image and report, the Accession Number, the
    Patient ID. Never a name or a birth date. Only by `https://`, or to this machine."""

    timeout: int = Field(default=15, ge=1, le=120)
    """Seconds within which it must answer."""

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        address = urlsplit(self.url)
        if address.scheme not in ("http", "https") or not address.hostname or address.username or address.password:
            raise ValueError("Url must be http:// or https:// and a host, without user and password")
        _ = address.port  # raises ValueError if it is none
        if self.with_ and address.scheme != "https" and address.hostname not in _THIS_MACHINE:
            raise ValueError("With needs https://, since it says whose images they are")
        if sum(one is not None for one in (self.secret, self.secret_file, self.secret_environment)) != 1:
            raise ValueError("one of Secret, SecretFile and SecretEnvironment must be there")
        return self


class SendTo(Section):
    """Where reports are sent on to. Those of a demonstration model never are."""

    modalities: list[NamedArchive] = []
    """Names in Orthanc's `DicomModalities`: by C-STORE. Instead of a name, an object that limits what goes there."""

    dicom_web_servers: list[NamedArchive] = []
    """Names in the `Servers` of Orthanc's `DicomWeb` section: by STOW-RS. Instead of a name, an object that limits what goes there,
    with the fields of those in `Modalities`."""

    webhooks: list[Webhook] = []
    """Programs that are told of reports. See docs/triage.md."""

    @field_validator("webhooks")
    @classmethod
    def _each_name_once(cls, webhooks: list[Webhook]) -> list[Webhook]:
        names = [one.name for one in webhooks]
        if len(set(names)) < len(names):
            raise ValueError("each Name once")
        return webhooks


class TriageRule(Section):
    """A label that studies get, and what of. A study gets it if one of its X-rays fits."""

    label: Label
    """The label: letters, digits, `_` and `-`. Several rules may give the same one."""

    findings: list[str] = []
    """Labels of findings; an X-ray fits by any of them."""

    threshold: Fraction | None = None
    """The score from which on it fits; without it, the threshold of each finding."""

    cardiothoracic_ratio_above: Fraction | None = None
    """Instead of findings: an X-ray fits if its cardiothoracic ratio was measured and is larger."""

    sources: Sources = Sources()
    """Senders whose X-rays fit."""

    models: list[str] = []
    """Names of models whose readings fit; empty for any."""

    views: list[Literal["PA", "AP"]] = []
    """Values of View Position; empty for any, and for none."""

    demonstration: bool = False
    """Whether readings of a demonstration model fit, too."""

    @model_validator(mode="after")
    def _one_reason(self) -> Self:
        if bool(self.findings) == (self.cardiothoracic_ratio_above is not None):
            raise ValueError("one of Findings and CardiothoracicRatioAbove must be there")
        if self.threshold is not None and not self.findings:
            raise ValueError("Threshold is one of Findings")
        return self


class ReportTitle(Section):
    """Coded title of the findings report."""

    code_value: str = "18748-4"
    """Code value."""

    coding_scheme_designator: str = "LN"
    """Coding scheme designator."""

    code_meaning: str = "Diagnostic Imaging Report"
    """Code meaning."""

    @field_validator("code_value")
    @classmethod
    def _readable_in_viewers(cls, value: str) -> str:
        # OHIF shows a report as text only if its title is not 126000; the siblings are measurement reports too.
        if value in {"126000", "126001", "126002", "126003"}:
            raise ValueError("126000 to 126003 announce measurements; viewers then do not show the findings as text")
        return value

    def concept(self) -> Concept:
        """The title as a coded concept."""
        return Concept(self.code_value, self.coding_scheme_designator, self.code_meaning)


class XRay(Section):
    """Chest radiographs."""

    enabled: bool = True
    """Analyse X-rays at all."""

    voi_lut: bool = Field(default=True, alias="VoiLut")
    """Apply the VOI LUT or the window of the header before scaling, as TorchXRayVision's reader does with
    `voi_lut=True`. See docs/images.md for which value suits which model."""

    unstated_body_part: Literal["analyze", "skip"] = "analyze"
    """What to do with an X-ray whose header does not say which part of the body it shows."""

    outside_intended_use: Literal["analyze", "skip"] = "skip"
    """What to do with an image outside the model card's intended use (age, view). Said in either case."""

    thresholds: dict[str, Fraction] = {}
    """Thresholds by finding label, 0 to 1, that replace those of the model card."""

    undetermined_band: Fraction = 0.0
    """Half width of the band around a threshold within which a finding is reported as undetermined, 0 to 1."""

    report_title: ReportTitle = ReportTitle()
    """Coded title of the report."""

    cardiothoracic_ratio: Literal["off", "classical", "segmentation"] = "classical"
    """How heart and thorax are outlined: not at all, by the embedded method, which says when it cannot tell, or by
    TorchXRayVision's segmentation model, without whose weights X-rays are held. See docs/cardiothoracic-ratio.md."""

    compare_with_prior: bool = True
    """State the change since the patient's latest earlier X-ray of the same view that the same model has read."""

    overlays: Literal["asked", "always"] = "asked"
    """When heat maps, outlines and lines become DICOM objects that a viewer shows: for each image, or for those that somebody
    asks for by the study's page or `POST /ai/.../overlays`. They take some ten times the processor time of the report."""


class CardiacCT(Section):
    """Cardiac CT studies."""

    enabled: bool = True
    """Judge the series of finished CT studies."""

    words: list[str] = []
    """Further words (regular expressions) that tell a cardiac series by its description."""

    @field_validator("words")
    @classmethod
    def _regular_expressions(cls, words: list[str]) -> list[str]:
        for word in words:
            try:
                re.compile(word)
            except re.error as error:
                raise ValueError(f"{word!r} is not a regular expression ({error})") from None
        return words

    label: str = Field(default="cardiac-ct", pattern=r"^[A-Za-z0-9_-]{1,64}$")
    """Label that a study gets if one of its series is an accepted cardiac series."""


class Collecting(Section):
    """Fetching studies from another archive."""

    timeout: int = Field(default=300, ge=1, le=86400)
    """Seconds without a DICOM message after which a C-MOVE or C-GET is given up and tried again; a question waits 15 s at most.
    An archive that says nothing while it sends needs as long as its largest series takes. For DICOMweb, Orthanc's own
    `HttpTimeout` holds, or `Timeout` of the server's entry."""

    deadline: int = Field(default=3600, ge=1, le=604800)
    """Seconds in which an archive has given nothing, whatever was asked of it, after which all the rest counts as failed."""


class Catalog(Section):
    """The catalogue under `/ai/catalog`."""

    maximum_entries: int = Field(default=1_000_000, ge=0)
    """Series, and X-rays with an outcome, that the catalogue may hold in memory: docs/catalog.md says what each takes. Of a
    larger archive it answers `CATALOG_TOO_LARGE`. With 0 there is no catalogue."""


class AI(Section):
    """The `AI` section of orthanc.json."""

    model: str = Field(default="densenet121-res224-all", pattern=r"^[a-z0-9][a-z0-9._-]*$")
    """Name of the model that reads chest radiographs: a folder of the models directory."""

    engine: Literal["onnx", "torch"] = "onnx"
    """What computes the scores: ONNX Runtime with the exported model, or torch with the weights themselves. Their scores
    differ by less than 0.00001."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    """What the engine runs on: the processors, in each worker; the first NVIDIA GPU, in one process that all workers share;
    or the GPU if it can be used and else the processors, which the log and `/ai/status` then say. With `cuda` and no GPU
    that can be used, X-rays are held (`DEVICE_MISSING`). See docs/gpu.md."""

    workers: int = Field(default=2, ge=1, le=64)
    """Number of worker processes."""

    threads_per_worker: int = Field(default=1, ge=1, le=64)
    """Threads that a worker's engine may use."""

    worker_memory_mib: int = Field(default=4096, ge=512, alias="WorkerMemoryMiB")
    """Address space that a worker may take, MiB. A job that needs more fails alone."""

    job_timeout: int = Field(default=120, ge=1, le=86400)
    """Seconds after which the worker of a job is replaced; the job is then tried again."""

    volume_timeout: int = Field(default=1800, ge=1, le=86400)
    """The same for the worker of an export, which writes one phase of a series at a time."""

    max_attempts: int = Field(default=3, ge=1, le=100)
    """How often a job is tried that breaks its worker, before it is parked as failed."""

    retry_pause: float = Field(default=5.0, ge=0.1, le=3600, strict=False)
    """Seconds before a job is tried a second time. Each further pause is four times as long as the one before, up to ten
    minutes."""

    yield_above: int = Field(default=10, ge=0, le=100_000)
    """Images per second above which senders come first, if the machine is busy with them: analyses that are not urgent are
    then held back to one in four seconds, until the rush is over. 0: never."""

    backfill: str = Field(default="none", pattern=r"^(none|all|since:\d{4}-\d{2}-\d{2})$")
    """What the first start does with images that are already stored: `none`, `all`, or `since:YYYY-MM-DD` (by the
    date of reception)."""

    sources: Sources = Sources()
    """Whose images are analysed."""

    priority: Priority = Priority()
    """What overtakes the rest."""

    send_to: SendTo = SendTo()
    """Where reports are sent on to."""

    triage: list[TriageRule] = []
    """Labels that studies get by what was found in their X-rays. See docs/triage.md."""

    collecting: Collecting = Collecting()
    """Fetching studies from another archive."""

    catalog: Catalog = Catalog()
    """The catalogue."""

    allowed_origins: list[Annotated[str, Field(pattern=r"^https?://[A-Za-z0-9.\-\[\]:]+$")]] = []
    """Origins of other web sites whose pages may read what `/ai` answers, as browsers name them, e.g.
    `["https://notebooks.hospital.example"]`. They may read only, with the login that the browser has for this server."""

    operators: list[str] = []
    """Users, of those in Orthanc's `RegisteredUsers`, who may start, retry, pause or change anything by `/ai`. All others
    may only read. Without authentication, which Orthanc then serves to this machine alone, everybody may."""

    readers: list[str] = []
    """Users, of those in Orthanc's `RegisteredUsers`, who may agree or disagree with findings, as operators may, too: each under
    the name by which they log in, beside our reports and without changing them. `["*"]` stands for all users. Without
    authentication everybody may, by whatever name. See docs/corrections.md."""

    x_ray: XRay = Field(default=XRay(), alias="XRay")
    """Chest radiographs."""

    cardiac_ct: CardiacCT = Field(default=CardiacCT(), alias="CardiacCT")
    """Cardiac CT studies."""

    model_mirror: str | None = Field(default=None, pattern=r"^https?://")
    """Address to fetch weights from instead of their publisher's, for hospitals without a way to the internet."""

    models_directory: Path = Field(default=Path("/opt/orthanc-ai/models"), strict=False)
    """Where the model cards lie."""

    cache_directory: Path = Field(default=Path("/var/lib/orthanc/ai/models"), strict=False)
    """Where fetched weights and exported models are kept."""

    batches_directory: Path = Field(default=Path("/var/lib/orthanc/ai/batches"), strict=False)
    """Where exports and collections keep how far they are and what they made."""

    python: Path = Field(default=Path("/opt/venv/bin/python3"), strict=False)
    """Python interpreter of the worker processes."""

    @field_validator("python")
    @classmethod
    def _executable(cls, python: Path) -> Path:
        if not os.access(python, os.X_OK):
            raise ValueError("a Python interpreter that can be started")
        return python

    viewer_directory: Path = Field(default=Path("/opt/ohif"), strict=False)
    """Where OHIF lies; served at /ohif/."""

    charts_directory: Path = Field(default=Path("/opt/charts"), strict=False)
    """Where the library lies that draws the charts of /ai and /ai/catalog."""

    maximum_body_kib: int = Field(default=256, ge=1, le=65536, alias="MaximumBodyKiB")
    """Largest request body that /ai routes accept, KiB."""

    index_statistics: bool = False
    """Tell SQLite, before Orthanc opens its index, how to find a single resource in it. Without that Orthanc goes through all
    instances whenever it looks for one, so that everything becomes slower with each image. It is five rows in the table
    `sqlite_stat1`, which SQLite keeps for this; `DROP TABLE sqlite_stat1` takes them away. The product's own orthanc.json
    switches it on; elsewhere nobody writes into your index unless you say so."""

    @field_validator("backfill")
    @classmethod
    def _real_date(cls, value: str) -> str:
        if value.startswith("since:"):
            date.fromisoformat(value.removeprefix("since:"))
        return value

    @model_validator(mode="after")
    def _one_owner_of_a_label(self) -> Self:
        if any(rule.label == self.cardiac_ct.label for rule in self.triage):
            raise ValueError(
                f"{self.cardiac_ct.label!r} is the label of AI.CardiacCT; a rule of AI.Triage needs another"
            )
        return self


def read_settings(configuration: dict[str, Any]) -> AI:
    """Validate Orthanc's configuration as far as this plugin depends on it.

    Parameters
    ----------
    configuration
        The whole configuration of Orthanc, as ``orthanc.GetConfiguration()`` gives it.

    Raises
    ------
    SettingsError
        With one line for each wrong field.
    """
    if configuration.get("Python", {}).get("AllowThreads") is not True:
        raise SettingsError(
            "Python.AllowThreads is not true. Without it a worker that stores its report and Orthanc's callback for "
            'the next stored instance wait for each other for ever. Set "Python": {"AllowThreads": true}.'
        )
    if configuration.get("RemoteAccessAllowed") is True and not _asks_for_users(configuration):
        raise SettingsError(
            "RemoteAccessAllowed is true, but nobody has to log in. Set AuthenticationEnabled to true and name the users in "
            "RegisteredUsers (or use Orthanc's authorization plugin)."
        )
    section = configuration.get("AI", {})
    if not isinstance(section, dict):
        raise SettingsError(f"AI: found {section!r}; allowed: an object with the fields of docs/configuration.md")
    try:
        settings = AI.model_validate(section)
    except ValidationError as error:
        raise SettingsError("\n".join(_line(problem) for problem in error.errors())) from None
    _check_users("Operators", settings.operators, configuration)
    _check_users("Readers", [name for name in settings.readers if name != EVERYBODY], configuration)
    return settings


def asks_who_it_is(configuration: Mapping[str, Any]) -> bool:
    """Whether a user or a program has to say who it is: to Orthanc itself or to its authorization plugin.

    Orthanc turns its own authentication on if remote access is allowed and nothing is said of authentication
    (`StartHttpServer` in its main.cpp).
    """
    remote = configuration.get("RemoteAccessAllowed") is True
    return configuration.get("AuthenticationEnabled", remote) is True or "Authorization" in configuration


def _asks_for_users(configuration: Mapping[str, Any]) -> bool:
    return asks_who_it_is(configuration) and bool(
        configuration.get("RegisteredUsers") or "Authorization" in configuration
    )


def _check_users(field: str, names: Sequence[str], configuration: Mapping[str, Any]) -> None:
    """Refuse names that nobody can log in with; the authorization plugin may know more of them."""
    registered = configuration.get("RegisteredUsers", {})
    unknown = [name for name in names if name not in registered]
    if unknown and "Authorization" not in configuration:
        raise SettingsError(f"AI.{field}: found {unknown!r}; allowed: names in Orthanc's RegisteredUsers")


def _line(problem: Any) -> str:
    """One sentence on one wrong field: its name, what was found, what is allowed."""
    field = ".".join(["AI", *(str(part) for part in problem["loc"])])
    if problem["type"] == "extra_forbidden":
        return f"{field}: there is no such field; docs/configuration.md lists them"
    allowed = problem["msg"].removeprefix("Value error, ")
    return f"{field}: found {_found(problem)}; allowed: {allowed}"


_SHOWN_OF_WEBHOOKS = ("Name", "Events", "With", "Findings", "Labels", "Timeout")


def _found(problem: Any) -> str:
    """What stands there, as far as a log may show it: no secret of a webhook, whatever field somebody has put it into."""
    value, place = problem["input"], problem["loc"]
    if problem["type"] == "missing":
        return "nothing"
    if problem["type"] == "value_error" and isinstance(value, Mapping | BaseModel):
        return "what does not go together"
    of_webhook = place[place.index("Webhooks") + 1 :] if "Webhooks" in place else None
    if _has_webhooks(value) or (of_webhook is not None and not set(of_webhook) & set(_SHOWN_OF_WEBHOOKS)):
        return "what is not shown here"
    return repr(value)


def _has_webhooks(value: Any) -> bool:
    """Whether webhooks stand somewhere in a value, where nobody expects them."""
    if isinstance(value, Mapping):
        return any(name == "Webhooks" or str(name).startswith("Secret") or _has_webhooks(value[name]) for name in value)
    return isinstance(value, list) and any(map(_has_webhooks, value))
