"""Known answers from known headers, through the tables in which the catalogue keeps the index."""

from collections.abc import Sequence

import pytest

from orthanc_ai.catalog.distributions import Distributions, Interval
from orthanc_ai.catalog.population import choices, population
from orthanc_ai.catalog.rows import Rows
from orthanc_ai.catalog.selection import Selection
from orthanc_ai.codes import Code
from orthanc_ai.outcomes import Outcome

from ..api.examples import MODEL, reported
from .known import SR, Series, tables

JANE = {"StudyDate": "20240115", "PatientSex": "F", "PatientAge": "045Y", "StudyDescription": "Thorax"}
JOHN = {"StudyDate": "20231231", "PatientSex": "M", "PatientBirthDate": "20131231"}


def distributions(rows: Rows, selection: Selection, interval: Interval) -> Distributions:
    return population(rows, selection).distributions(interval)


ARCHIVE = (
    Series(
        *("jane", "s1", 3),
        outcomes=[reported({"Mass": 0.7, "Edema": 0.2}), reported({"Mass": 0.3, "Edema": 0.5})],
        study_tags=JANE,
        Modality="DX",
        BodyPartExamined="CHEST",
    ),
    Series("jane", "s1", study_tags=JANE, Modality="SR", sop_class=SR),
    Series(
        *("jane", "s2", 20),
        cardiac=Outcome(Code.ACCEPTED, "r", data={"role": "CCTA"}),
        study_tags=JANE | {"StudyDate": "20240301"},
        Modality="CT",
        BodyPartExamined="HEART",
    ),
    Series(
        "john", "s3", outcomes=[Outcome(Code.NOT_CHEST, "r")], study_tags=JOHN, Modality="CR", BodyPartExamined="hand"
    ),
)


@pytest.fixture(scope="module")
def rows() -> Rows:
    return tables(ARCHIVE)


def images(made: Distributions) -> dict[str, int]:
    return {one.value: one.images for one in made.modalities}


def test_the_whole_archive(rows: Rows) -> None:
    made = distributions(rows, Selection(), "month")
    assert (made.total.patients, made.total.studies, made.total.series, made.total.images) == (2, 3, 3, 24)
    assert images(made) == {"CT": 20, "DX": 3, "CR": 1}
    assert [(one.value, one.studies) for one in made.time] == [("2023-12", 1), ("2024-01", 1), ("2024-03", 1)]
    assert [(one.value, one.part, one.images) for one in made.ages] == [("10\u201319", "M", 1), ("40\u201349", "F", 23)]
    assert [(one.value, one.images) for one in made.body_parts] == [("HEART", 20), ("CHEST", 3), ("HAND", 1)]
    assert made.outcomes == (("REPORTED", 2), ("NOT_CHEST", 1))
    assert [(one.modality, one.series, one.instances) for one in made.others] == [("SR", 1, 1)]


def test_findings_and_their_scores(rows: Rows) -> None:
    mass, edema = distributions(rows, Selection(), "month").findings
    assert (mass.label, mass.model, mass.images, mass.reached, mass.thresholds) == ("Mass", MODEL, 2, 1, (0.5, 0.5))
    assert [place for place, count in enumerate(mass.histogram) if count] == [6, 14]
    assert (edema.label, edema.reached, [k for k, n in enumerate(edema.histogram) if n]) == ("Edema", 1, [4, 10])


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(modality=("DX", "CR")), {"DX": 3, "CR": 1}),
        (Selection(body_part="chest"), {"DX": 3}),
        (Selection(study_date="20240101-"), {"CT": 20, "DX": 3}),
        (Selection(study_description="tho*"), {"CT": 20, "DX": 3}),
        (Selection(code="ACCEPTED"), {"CT": 20}),
        (Selection(code="NOT_CHEST"), {"CR": 1}),
        (Selection(roles=("CCTA",)), {"CT": 20}),
        (Selection(model=MODEL), {"DX": 2}),
        (Selection(finding="Mass", minimum=0.5), {"DX": 1}),
        (Selection(finding="Nodule"), {}),
    ],
    ids=lambda value: str(value.to_json()) if isinstance(value, Selection) else "",
)
def test_what_a_selection_means_and_nothing_else(rows: Rows, selection: Selection, expected: dict[str, int]) -> None:
    made = distributions(rows, selection, "month")
    assert images(made) == expected
    assert made.total.images == sum(expected.values())
    assert made.others == ()


def test_scores_are_of_the_images_that_are_meant(rows: Rows) -> None:
    made = distributions(rows, Selection(finding="Mass", minimum=0.5), "month")
    assert [(one.label, one.images, one.reached) for one in made.findings] == [("Mass", 1, 1), ("Edema", 1, 0)]
    assert distributions(rows, Selection(modality=("CR",)), "month").findings == ()


def test_what_there_is_to_select_by(rows: Rows) -> None:
    there = choices(rows)
    assert (there.modalities, there.body_parts) == (["CR", "CT", "DX"], ["CHEST", "HAND", "HEART"])
    assert (there.codes, there.models, there.findings) == (
        ["ACCEPTED", "NOT_CHEST", "REPORTED"],
        [MODEL],
        ["Edema", "Mass"],
    )


def read(scores: Sequence[float], threshold: float = 0.5, model: str = MODEL) -> Series:
    outcomes = [
        Outcome(
            Code.REPORTED,
            "r",
            model=model,
            data={"findings": [{"label": "Mass", "score": one, "threshold": threshold, "presence": None}]},
        )
        for one in scores
    ]
    return Series("jane", "s1", len(outcomes), outcomes=outcomes, Modality="DX")


def test_a_score_at_an_edge_belongs_to_the_bin_that_it_begins() -> None:
    scores = [0.0, 0.049999, *(number / 20 for number in range(1, 20)), 0.999999, 1.0]
    [found] = distributions(tables([read(scores)]), Selection(), "month").findings
    assert found.histogram == (2, *[1] * 18, 3)


def test_the_threshold_itself_is_reached() -> None:
    [found] = distributions(tables([read([0.1, 0.499999, 0.5, 0.9])]), Selection(), "month").findings
    assert (found.images, found.reached, found.share) == (4, 2, 0.5)


def test_each_image_counts_by_the_threshold_that_it_was_read_with() -> None:
    [found] = distributions(tables([read([0.4], 0.3), read([0.4], 0.6)]), Selection(), "month").findings
    assert (found.reached, found.thresholds) == (1, (0.3, 0.6))


def test_models_do_not_mix() -> None:
    found = distributions(tables([read([0.9]), read([0.1], model="other")]), Selection(), "month").findings
    assert {(one.model, one.images, one.reached) for one in found} == {(MODEL, 1, 1), ("other", 1, 0)}
