"""Labels by readers: which of several counts, that disagreement is said, and that nobody is named who must not be."""

import csv
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from orthanc_ai.api.datasets import DatasetRequest
from orthanc_ai.batches.batch import BatchError
from orthanc_ai.codes import Code
from orthanc_ai.corrections.correction import Correction, State, Stated
from orthanc_ai.corrections.journal import to_text
from orthanc_ai.datasets.readers import Rule, labels_by_readers
from orthanc_ai.deidentify.options import Options
from orthanc_ai.outcomes import CORRECTIONS_METADATA, Result

from .test_batch import KEPT, Index, archive_of, datasets, manifest_of, run_of

REPORT = Result("1.2.840.10008.5.1.4.1.1.88.34", "2.25.1", "2.25.2", "1.1")


def said(reader: str, day: int = 1, *, login: bool = False, **findings: bool) -> Correction:
    return Correction(
        reader,
        login,
        f"2026-01-{day:02d}T03:04:05.000000+00:00",
        "phantom",
        False,
        tuple(Stated(name, present, 0.9, 0.5) for name, present in findings.items()),
        "",
        REPORT,
        REPORT,
    )


def present(rule: str, *statements: Correction, reader: str = "") -> dict[str, bool | None]:
    labels = labels_by_readers(statements, Rule(rule, reader))  # type: ignore[arg-type]
    return {finding: label.present for finding, label in labels.items()}


A, B, C = said("A", 1, Mass=True), said("B", 2, Mass=False), said("C", 3, Mass=False)


def test_the_rules_on_readers_who_disagree() -> None:
    assert present("latest", A, B) == {"Mass": False}
    assert present("latest", B, A) == {"Mass": True}
    assert present("majority", A, B) == {"Mass": None}
    assert present("majority", B, C, A) == {"Mass": False}
    assert present("unanimous", A, B) == {"Mass": None}
    assert present("unanimous", B, C) == {"Mass": False}
    assert present("reader", A, B, C, reader="A") == {"Mass": True}
    assert present("reader", A, reader="Z") == {}


def test_who_changes_his_mind_has_one_vote() -> None:
    again = said("A", 4, Mass=False)
    assert present("unanimous", A, again) == {"Mass": False}
    assert present("majority", A, said("B", 2, Mass=True), again, said("A", 5, Nodule=True)) == {
        "Mass": None,
        "Nodule": True,
    }
    [label] = labels_by_readers([A, B, again], Rule("latest")).values()
    assert (label.readers, label.at, label.disagree) == (("B", "A"), again.at, False)


def test_a_name_that_anybody_can_type_is_not_the_login() -> None:
    [label] = labels_by_readers([A, said("A", 2, login=True, Mass=False)], Rule("majority")).values()
    assert (label.present, label.disagree) == (None, True)


statements = st.lists(
    st.builds(
        lambda reader, findings: said(reader, **findings),
        st.sampled_from("ABC"),
        st.dictionaries(st.sampled_from(["Mass", "Nodule"]), st.booleans(), min_size=1),
    ),
    max_size=8,
)


@given(statements)
def test_where_all_agree_every_rule_says_so(given_statements: list[Correction]) -> None:
    by_rule = {name: labels_by_readers(given_statements, Rule(name)) for name in ("latest", "majority", "unanimous")}
    for finding, label in by_rule["unanimous"].items():
        if not label.disagree:
            assert {of[finding].present for of in by_rule.values()} == {label.present}
            assert label.present is not None
        else:
            assert label.present is None
            assert by_rule["latest"][finding].present is not None


# As a dataset has them


def archive() -> Index:
    """Five images: readers disagree on the first, agree on the second, and have taken back what they said of the third."""
    made = archive_of(5)
    images = made.instances("CT")
    journal = {
        0: [said("Dr. Anna", 1, Mass=True, Nodule=True), said("Dr. Bo", 2, Mass=False)],
        1: [said("Dr. Anna", 3, Mass=True), said("Dr. Bo", 4, Mass=True)],
    }
    for number, corrections in journal.items():
        images[number].metadata[CORRECTIONS_METADATA] = to_text(corrections)
    gone = Correction(**{**{name: getattr(A, name) for name in A.__slots__}, "state": State.STORED})
    images[2].metadata[CORRECTIONS_METADATA] = to_text([gone])
    images[3].metadata[CORRECTIONS_METADATA] = "spoiled"
    return made


def made(tmp_path: Path, rule: str, *, only: bool = False, reader: str = "", **more: Any) -> tuple[dict[str, Any], Any]:
    readers = {"rule": rule, "reader": reader, "only": only}
    run = run_of(tmp_path / "datasets" / "a", split=None, readers=readers, **more)
    datasets(archive(), tmp_path).run(run)
    with (run.output / "dataset.csv").open(newline="") as table:
        return manifest_of(run), list(csv.DictReader(table))


def test_labels_stand_in_manifest_and_table_and_name_nobody(tmp_path: Path) -> None:
    manifest, rows = made(tmp_path, "latest")
    assert len(rows) == 5
    by_readers = sorted(
        (row["reader/Mass"], row["reader/Nodule"], row["readers"], row["readersDisagree"]) for row in rows
    )
    assert by_readers == [*[("", "", "", "")] * 3, ("0", "1", "2", "Mass"), ("1", "", "2", "")]
    assert manifest["readers"] == {
        "images": 2,
        "findings": {
            "Mass": {"present": 1, "absent": 1, "undecided": 0, "disagree": 1},
            "Nodule": {"present": 1, "absent": 0, "undecided": 0, "disagree": 0},
        },
    }
    assert manifest["request"]["readers"]["rule"] == "latest"
    stated = [one["readers"]["Mass"] for one in manifest["images"] if "readers" in one]
    assert all(reader.startswith("reader-") for label in stated for reader in label["readers"])
    assert all("at" not in label for label in stated)
    assert len({reader for label in stated for reader in label["readers"]}) == 2
    assert "Anna" not in str(manifest)


def test_names_and_dates_stay_where_the_dataset_is_not_deidentified(tmp_path: Path) -> None:
    off = Options.OFF.to_json()
    manifest, _ = made(tmp_path, "reader", reader="Dr. Bo", deidentify=off)
    stated = sorted(
        (one["readers"]["Mass"] for one in manifest["images"] if "readers" in one), key=lambda one: one["at"]
    )
    assert [(one["readers"], one["at"][:10], one["present"]) for one in stated] == [
        (["Dr. Bo"], "2026-01-02", False),
        (["Dr. Bo"], "2026-01-04", True),
    ]


def test_a_named_reader_is_a_pseudonym_in_the_request_and_modified_dates_are_shifted(tmp_path: Path) -> None:
    options = Options(retain=frozenset(["modifiedDates"]), keep_key=True).to_json()
    manifest, _ = made(tmp_path, "reader", reader="Dr. Bo", deidentify=options)
    stated = [one["readers"]["Mass"] for one in manifest["images"] if "readers" in one]
    assert {manifest["request"]["readers"]["reader"]} == {reader for one in stated for reader in one["readers"]}
    assert all(one["at"] < "2026-01-01" for one in stated)


def test_only_what_has_a_label_by_the_rule(tmp_path: Path) -> None:
    _, rows = made(tmp_path, "latest", only=True, deidentify=KEPT)
    assert len(rows) == 2
    _, rows = made(tmp_path / "again", "unanimous", only=True)
    assert [row["reader/Mass"] for row in sorted(rows, key=lambda row: row["reader/Mass"])] == ["", "1"]
    with pytest.raises(BatchError) as nothing:
        made(tmp_path / "nobody", "reader", reader="Dr. Nobody", only=True)
    assert nothing.value.code is Code.NOTHING_SELECTED


def test_classes_by_what_readers_say(tmp_path: Path) -> None:
    manifest, _ = made(tmp_path, "latest", classes={"by": "reader", "name": "Mass"}, layout="folders")
    assert sorted(one["file"].split("/")[0] for one in manifest["images"]) == ["Mass", "No Mass"]
    assert {one["code"] for one in manifest["leftOut"]} == {"CLASS_NOT_STATED"}


@pytest.mark.parametrize(
    "request_",
    [
        {"readers": {"rule": "reader"}},
        {"readers": {"rule": "latest", "reader": "A"}},
        {"readers": {}, "format": "nifti"},
        {"classes": {"by": "reader", "name": "Mass"}},
        {"readers": {}, "classes": {"by": "reader"}},
        {"split": {"stratify": {"by": "reader", "name": "Mass"}}},
    ],
)
def test_what_makes_no_sense_is_refused(request_: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        DatasetRequest.model_validate(request_)
