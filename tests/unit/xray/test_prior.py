"""The prior is the patient's latest earlier report by the same model, and nobody else's."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orthanc_ai.codes import Code
from orthanc_ai.outcomes import XRAY_METADATA, Outcome, Result
from orthanc_ai.report.prior import Prior
from orthanc_ai.xray.prior import STUDIES_COMPARED, Moment, find_prior
from tests.unit.stand_in import SR, Archive, orthanc_id

WEIGHTS = "5b" * 32


@dataclasses.dataclass(frozen=True)
class Film:
    """A radiograph that may have been read."""

    uid: str
    study: str = "1"
    patient: str = "P"
    issuer: str = ""
    born: str = ""
    sex: str = ""
    date: str = "20240101"
    time: str = ""
    image_time: str = ""
    received: str = "20260101T000000"
    view: str = "PA"
    modality: str = "DX"
    model: str = "m"
    weights: str = WEIGHTS[:16]
    code: Code = Code.REPORTED
    score: float = 0.5
    deleted: bool = False  # the report

    def into(self, archive: Archive) -> str:
        """Put it into an archive; its Orthanc identifier."""
        result = Result(SR, f"report on {self.uid}", f"series of {self.uid}", self.study)
        outcome = Outcome(
            self.code,
            "recipe",
            result=result,
            model=self.model,
            data={"weights": self.weights, "findings": [{"label": "Mass", "score": self.score}]},
        )
        metadata = {"ReceptionDate": self.received, XRAY_METADATA: outcome.to_text()}
        identifier = archive.put(
            self.uid, patient=self.patient, study=self.study, modality=self.modality, metadata=metadata
        )
        instance = archive.items[identifier]
        study = archive.items[orthanc_id(self.patient, self.study)]
        instance.tags |= {"ViewPosition": self.view, "ContentTime": self.image_time}
        # What the study's first image says.
        study.tags.setdefault("StudyDate", self.date)
        study.tags.setdefault("StudyTime", self.time)
        for keyword, value in (
            ("IssuerOfPatientID", self.issuer),
            ("PatientBirthDate", self.born),
            ("PatientSex", self.sex),
        ):
            study.tags.setdefault(keyword, value)
        if not self.deleted:
            archive.put(result.sop_instance_uid, patient=self.patient, study=self.study, modality="SR")
        return identifier


def prior_of(film: Film, *others: Film, **options: Any) -> Prior | None:
    archive = Archive()
    identifiers = {one.uid: one.into(archive) for one in (*others, film)}
    resource = archive.resource("instance", identifiers[film.uid])
    assert resource is not None
    return find_prior(archive.server, resource, **({"model": "m", "weights": WEIGHTS} | options))


def image_of(prior: Prior | None) -> str | None:
    return prior.image if prior else None


NOW = Film("now", "9", date="20250601", time="101500")


def test_what_a_prior_says() -> None:
    assert prior_of(NOW, Film("old", "1", date="20240301", score=0.75)) == Prior(
        SR, "report on old", "series of old", "1", "old", "20240301", {"Mass": 0.75}
    )


def test_the_latest_earlier_one_whatever_the_order_of_arrival() -> None:
    films = [Film(f"f{year}", str(year), date=f"{year}0301") for year in (2021, 2023, 2022, 2026)]
    for order in (films, films[::-1]):
        assert image_of(prior_of(NOW, *order)) == "f2023"


OLD = Film("old", "1", date="20240301")


@pytest.mark.parametrize(
    ("old", "reason"),
    [
        (dataclasses.replace(OLD, model="other"), "another model"),
        (dataclasses.replace(OLD, weights="5c" * 8), "other weights"),
        (dataclasses.replace(OLD, weights=""), "weights not stated"),
        (dataclasses.replace(OLD, view="AP"), "another view"),
        (dataclasses.replace(OLD, view="LATERAL"), "a lateral"),
        (dataclasses.replace(OLD, view=""), "a view not stated"),
        (dataclasses.replace(OLD, code=Code.RETRYING), "not read"),
        (dataclasses.replace(OLD, deleted=True), "its report deleted"),
        (dataclasses.replace(OLD, date=""), "no date"),
        (dataclasses.replace(OLD, date="20240230x"), "a date that is none"),
        (dataclasses.replace(OLD, date="20260101"), "later"),
        (dataclasses.replace(OLD, study="9"), "the same study"),
        (dataclasses.replace(OLD, patient="Q"), "another patient"),
        (dataclasses.replace(OLD, issuer="another hospital"), "another issuer"),
        (dataclasses.replace(OLD, born="19600101"), "another birth date"),
        (dataclasses.replace(OLD, sex="F"), "another sex"),
        (dataclasses.replace(OLD, score=1.5), "a score that is none"),
        (dataclasses.replace(OLD, uid="now"), "a copy of the same image"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_prior(old: Film, reason: str) -> None:
    film = dataclasses.replace(NOW, born="19500101", sex="M")
    assert image_of(prior_of(film, dataclasses.replace(OLD))) == "old", "but for this it would be one"
    assert prior_of(film, old) is None, reason


def test_an_empty_patient_id_is_nobody() -> None:
    assert prior_of(dataclasses.replace(NOW, patient=""), dataclasses.replace(OLD, patient="")) is None


def test_a_patient_id_with_two_birth_dates_has_no_prior() -> None:
    conflict = Film("x", "2", date="20230101", born="19700101", weights="")
    old = dataclasses.replace(OLD, born="19500101")
    assert image_of(prior_of(NOW, old)) == "old"
    assert prior_of(dataclasses.replace(NOW, born="19500101"), old, conflict) is None
    # The image's own study contradicts nobody, but the two others contradict each other.
    assert prior_of(NOW, old, conflict) is None


def test_one_study_of_two_patients_has_no_prior() -> None:
    assert prior_of(NOW, OLD, Film("y", NOW.study, patient="Q")) is None
    assert prior_of(NOW, OLD, Film("y", OLD.study, patient="Q")) is None


def test_the_same_view_however_it_is_written() -> None:
    assert image_of(prior_of(dataclasses.replace(NOW, view="PA "), OLD)) == "old"
    assert image_of(prior_of(dataclasses.replace(NOW, view=""), dataclasses.replace(OLD, view=""))) == "old"


def test_studies_without_radiographs_do_not_count() -> None:
    others = [Film(f"ct{k}", f"ct{k}", date=f"202411{k + 10}", modality="CT") for k in range(12)]
    assert image_of(prior_of(NOW, OLD, *others)) == "old"


def test_the_latest_image_of_a_study() -> None:
    two = [Film(f"old{time}", "1", date="20240301", image_time=time) for time in ("101500", "111500", "091500")]
    assert image_of(prior_of(NOW, *two)) == "old111500"


def test_a_reading_takes_few_questions() -> None:
    archive = Archive()
    for k in range(500):
        Film(f"f{k}", f"s{k}", date=f"{1500 + k}0101", weights="").into(archive)
    resource = archive.resource("instance", NOW.into(archive))
    assert resource is not None
    archive.calls.clear()
    assert find_prior(archive.server, resource, model="m", weights=WEIGHTS) is None
    assert archive.calls.total() < 15
    assert STUDIES_COMPARED <= 50


# ---- Which of two is the earlier one -----------------------------------------------------------------------------

TIMES = st.sampled_from(["", "000000.000000", "101500.000000", "235959.900000"])
MOMENTS = st.builds(
    Moment,
    st.sampled_from(["", "20240101", "20240102"]),
    TIMES,
    TIMES,
    st.sampled_from(["", "20260101T000000", "20260101T000001"]),
)


@given(MOMENTS, MOMENTS)
def test_of_two_at_most_one_is_the_earlier(one: Moment, other: Moment) -> None:
    assert not (one.precedes(other) and other.precedes(one))
    assert not one.precedes(one)
    if one.date and other.date and one.date != other.date:
        assert one.precedes(other) is (one.date < other.date)


@pytest.mark.parametrize(
    ("one", "other", "earlier"),
    [
        (("10", ""), ("1015", ""), True),
        (("101500.5", ""), ("101500.25", ""), False),
        (("", ""), ("101500", ""), True),  # as they came
        (("101500", "102000"), ("101500", "103000"), True),
        (("101500", "102000"), ("101500", "102000"), False),  # a copy
        (("99", "x"), ("101500", ""), True),  # no time at all: as they came
    ],
)
def test_on_one_day_the_times_decide(one: tuple[str, str], other: tuple[str, str], *, earlier: bool) -> None:
    first = Film("old", "1", date=NOW.date, time=one[0], image_time=one[1], received="20260101T000000")
    second = dataclasses.replace(NOW, time=other[0], image_time=other[1], received="20260101T000001")
    assert (prior_of(second, first) is not None) is earlier


# ---- Any archive -------------------------------------------------------------------------------------------------


def films() -> st.SearchStrategy[list[Film]]:
    film = st.builds(
        Film,
        uid=st.uuids().map(str),
        study=st.sampled_from("1234"),
        patient=st.sampled_from(["P", "Q", ""]),
        issuer=st.sampled_from(["", "H"]),
        born=st.sampled_from(["", "", "19500101", "19600101"]),
        date=st.sampled_from(["", "20240101", "20240102", "20250101"]),
        time=st.sampled_from(["", "1015", "111500"]),
        image_time=st.sampled_from(["", "1016", "111600"]),
        received=st.sampled_from(["20260101T000000", "20260101T000001"]),
        view=st.sampled_from(["", "PA", "AP"]),
        model=st.sampled_from(["m", "m", "n"]),
        weights=st.sampled_from(["", WEIGHTS[:16], WEIGHTS[:16]]),
        code=st.sampled_from([Code.REPORTED, Code.REPORTED, Code.FAILED]),
    )
    return st.lists(film, min_size=2, max_size=6, unique_by=lambda one: one.uid)


def as_stored(many: list[Film]) -> Iterator[Film]:
    """Films with what their study's first image says."""
    first: dict[tuple[str, str], Film] = {}
    for film in many:
        of = first.setdefault((film.patient, film.study), film)
        yield dataclasses.replace(film, issuer=of.issuer, born=of.born, date=of.date, time=of.time)


@settings(max_examples=300, deadline=None)
@given(films())
def test_a_prior_is_earlier_of_the_same_patient_by_the_same_model(many: list[Film]) -> None:
    by_uid = {film.uid: film for film in as_stored(many)}
    *others, film = many
    found = prior_of(film, *others)
    mine = by_uid[film.uid]
    if found is None:
        return
    chosen = by_uid[found.image]
    assert (chosen.patient, chosen.issuer, chosen.view) == (mine.patient, mine.issuer, mine.view)
    assert chosen.patient
    assert len({chosen.born, mine.born} - {""}) < 2
    assert chosen.study != mine.study
    assert (chosen.model, chosen.weights, chosen.code) == ("m", WEIGHTS[:16], Code.REPORTED)
    assert found.date == chosen.date <= mine.date
    # And nobody is nearer whose study says more plainly that it lies between the two.
    for other in by_uid.values():
        same = (other.patient, other.issuer, other.view, other.model, other.weights, other.code)
        if same == (chosen.patient, chosen.issuer, chosen.view, chosen.model, chosen.weights, chosen.code):
            assert not chosen.date < other.date < mine.date


@settings(max_examples=60, deadline=None)
@given(films(), st.randoms())
def test_the_order_of_arrival_does_not_matter(many: list[Film], random: Any) -> None:
    once = {(film.patient, film.study): film for film in many}
    alone = list(once.values())  # one film for each study: the first image of a study speaks for it
    shuffled = alone.copy()
    random.shuffle(shuffled)

    def found(order: list[Film]) -> Prior | None:
        archive = Archive()
        identifiers = {one.uid: one.into(archive) for one in order}
        resource = archive.resource("instance", identifiers[alone[0].uid])
        assert resource is not None
        return find_prior(archive.server, resource, model="m", weights=WEIGHTS)

    assert found(alone) == found(shuffled)
