"""Whose overlays are asked for: those of the X-rays of a resource, and of nothing else."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from orthanc_ai.api.context import Context
from orthanc_ai.api.http import Problem
from orthanc_ai.api.overlays import ask
from orthanc_ai.codes import Code
from orthanc_ai.outcomes import OVERLAYS_METADATA
from orthanc_ai.server import Level, Resource
from tests.unit.stand_in import Archive, orthanc_id

from .examples import Queue


class Noting(Archive):
    """It notes whose instances it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.looked_into: list[str] = []

    def children(self, level: Level, identifier: str, of: Level, *given: Any, **named: Any) -> Iterator[Resource]:
        if of == "instance":
            self.looked_into.append(identifier)
        return super().children(level, identifier, of, *given, **named)


def asked(archive: Archive, level: Level, identifier: str) -> list[str]:
    """The images that are marked afterwards."""
    context = SimpleNamespace(server=archive.server, queue=Queue())
    assert ask(cast(Context, context), level, identifier).jobs == 1
    return [one.identifier for one in archive.items.values() if OVERLAYS_METADATA in one.metadata]


def test_of_a_patient_only_the_xrays_and_no_ct_is_looked_into() -> None:
    archive = Noting()
    films = [archive.put("a", study="1"), archive.put("b", study="2", modality="DX")]
    for number in range(5):
        archive.put(f"slice {number}", study="2", modality="CT")
    assert asked(archive, "patient", orthanc_id("P")) == films
    assert len(archive.looked_into) == 2


def test_of_one_image_its_own() -> None:
    archive = Archive()
    first, _ = archive.put("a"), archive.put("b")
    assert asked(archive, "instance", first) == [first]


def test_there_are_none_of_ct() -> None:
    archive = Archive()
    archive.put("slice", modality="CT")
    for level, identifier in (("patient", orthanc_id("P")), ("instance", orthanc_id("P", "1", "1.CT", "slice"))):
        with pytest.raises(Problem) as problem:
            asked(archive, cast(Level, level), identifier)
        assert problem.value.code is Code.NOTHING_TO_ANALYZE
