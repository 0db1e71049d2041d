"""``/ai``: where to begin."""

from .. import __version__
from .context import Context
from .status import ConfiguredModel, configured_model
from .views import View


class Links(View):
    """Paths of what there is."""

    status: str = "/ai/status"
    models: str = "/ai/models"
    catalog: str = "/ai/catalog"
    findings: str = "/ai/findings"
    outcomes: str = "/ai/outcomes"
    series: str = "/ai/series"
    quarantine: str = "/ai/quarantine"
    jobs: str = "/ai/jobs"
    worklist: str = "/ai/worklist"
    throughput: str = "/ai/throughput"
    drift: str = "/ai/drift"
    now: str = "/ai/now"
    triage: str = "/ai/triage"
    codes: str = "/ai/codes"
    openapi: str = "/ai/openapi.json"
    viewer: str = "/ohif/"


class Index(View):
    """Where to begin."""

    name: str
    version: str
    model: ConfiguredModel
    links: Links


def index(context: Context) -> Index:
    """Where to begin."""
    return Index(name="Orthanc AI", version=__version__, model=configured_model(context), links=Links())
