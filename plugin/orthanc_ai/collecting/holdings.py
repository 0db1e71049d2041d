"""What is here already, so that nothing is fetched twice."""

from collections.abc import Iterable

from ..server import Resource, Server
from .plan import Series, Study


class Holdings:
    """What this archive has of a study that another one has."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def count(self, study: Study, series: Series) -> int:
        """Number of instances of a series."""
        found = self._series(study, series)
        # Under several Patient IDs, the same instance may be here several times.
        return len(found[0].children) if len(found) == 1 else len(self._instances(found))

    def instances(self, study: Study, series: Series) -> frozenset[str]:
        """SOP Instance UIDs of a series."""
        return self._instances(self._series(study, series))

    def _instances(self, found: Iterable[Resource]) -> frozenset[str]:
        return frozenset(
            str(instance.tags.get("SOPInstanceUID", ""))
            for one in found
            for instance in self._server.children("series", one.identifier, "instance")
        )

    def complete(self, study: Study) -> bool:
        """Whether all that is wanted of a study is here, as far as the peer has said how much that is."""
        return all(one.instances is not None and self.count(study, one) >= one.instances for one in study.series)

    def studies(self, study: Study) -> list[str]:
        """Orthanc identifiers of a study: of several, if it is here under several Patient IDs."""
        return self._server.identifiers("study", {"StudyInstanceUID": study.study_instance_uid})

    def _series(self, study: Study, series: Series) -> tuple[Resource, ...]:
        return self._server.find(
            "series",
            {"StudyInstanceUID": study.study_instance_uid, "SeriesInstanceUID": series.series_instance_uid},
        )
