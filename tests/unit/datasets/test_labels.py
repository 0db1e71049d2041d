import csv
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orthanc_ai.codes import Code
from orthanc_ai.datasets.labels import Identifiers, Join, Key, Labels, LabelsError, read_labels, scores_of

TABLE = "SOPInstanceUID,finding,grade\n1.2.3,effusion,2\n1.2.4,none,0\n"


def values(labels: Labels) -> dict[str, tuple[str, ...]]:
    return {identifier: found for identifier, (_, found) in labels.rows.items()}


def fault(content: str | bytes, **how: str) -> LabelsError:
    with pytest.raises(LabelsError) as caught:
        read_labels(content.encode() if isinstance(content, str) else content, **how)  # type: ignore[arg-type]
    return caught.value


def test_a_table_is_read() -> None:
    labels = read_labels(TABLE.encode())
    assert labels.key == "SOPInstanceUID"
    assert labels.columns == ("finding", "grade")
    assert values(labels) == {"1.2.3": ("effusion", "2"), "1.2.4": ("none", "0")}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_delimiter_and_encoding_are_told_from_the_table(encoding: str, delimiter: str, end: str) -> None:
    text = TABLE.replace("effusion", "Erguß").replace(",", delimiter).replace("\n", end)
    assert values(read_labels(text.encode(encoding)))["1.2.3"] == ("Erguß", "2")


def test_another_encoding_is_not_guessed_but_can_be_stated() -> None:
    content = TABLE.replace("effusion", "Erguß").encode("windows-1252")
    assert "state its encoding" in str(fault(content))
    assert values(read_labels(content, encoding="windows-1252"))["1.2.3"] == ("Erguß", "2")


def test_two_delimiters_in_the_header_are_not_guessed() -> None:
    content = 'PatientID;"a,b";c,d\n1;2;3\n'
    assert "several delimiters" in str(fault(content))
    assert read_labels(content.encode(), delimiter=";").columns == ("a,b", "c,d")


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("SOPInstanceUID", "SOPInstanceUID"),
        ("SOP Instance UID", "SOPInstanceUID"),
        ("series_instance_uid", "SeriesInstanceUID"),
        ("StudyInstanceUid", "StudyInstanceUID"),
        ("Accession Number", "AccessionNumber"),
        ("patient_id", "PatientID"),
        ("orthanc_id", "OrthancID"),
    ],
)
def test_each_identifier_joins(name: str, key: Key) -> None:
    image = Identifiers("1.1", "1.2", "1.3", "A1", "P1", "here", ("i", "s", "t", "p"))
    for identifier in image.of_key(key):
        join = Join(read_labels(f"{name},label\n {identifier} ,yes\n".encode()))
        assert join.of(image) == {"label": "yes"}
        assert join.of(Identifiers()) is None
        assert join.report()["used"] == 1


def test_no_identifier_and_no_name_becomes_a_label() -> None:
    content = b"PatientID,StudyInstanceUID,Patient Name,DOB,label\nP1,1.2,Doe,1970,yes\n"
    labels = read_labels(content)
    assert (labels.key, labels.columns) == ("StudyInstanceUID", ("label",))
    assert labels.withheld == ("PatientID", "Patient Name", "DOB")
    assert read_labels(content, key="PatientID").key == "PatientID"
    assert "no label" in str(fault(content, columns=["Patient Name"]))  # type: ignore[arg-type]


def test_columns_can_be_chosen() -> None:
    assert read_labels(TABLE.encode(), columns=["grade"]).columns == ("grade",)
    assert "no column 'size'" in str(fault(TABLE, columns=["size"]))  # type: ignore[arg-type]


def test_rows_that_contradict_are_refused_and_repeated_ones_counted() -> None:
    assert read_labels((TABLE + "1.2.3,effusion,2\n").encode()).repeated == 1
    error = fault(TABLE + "1.2.3,effusion,3\n")
    assert error.code is Code.LABELS_CONTRADICT
    assert "2 and 4" in str(error)
    assert "1.2.3" not in str(error)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "no delimiter"),
        ("\n\n", "no delimiter"),
        ("SOPInstanceUID\n1.2\n", "no delimiter"),
        ("name,label\nx,y\n", "no column is called"),
        ("PatientID,label\n1\n", "row 2 has 1 fields"),
        ("PatientID,label\n,1\n", "row 2 identifies nothing"),
        ("PatientID,label,label\n1,2,3\n", "same name"),
        ("PatientID,label,\n1,2,3\n", "no name"),
        ("PatientID,patient id,label\n1,2,3\n", "2 columns"),
        ("PatientID,StudyInstanceUID\n1,2\n", "no column beside"),
        ('PatientID,label\n1,"2\n', "malformed"),
        ("PatientID,label\n1,\0\n", "zero"),
        ("PatientID,label\n1," + 2000 * "x", "more than 1024"),
        ("PatientID," + ",".join(map(str, range(300))), "256 columns"),
        (b"PatientID,label\n1,\xff\n", "not in utf-8"),
        (b"\xff\xfeP", "not in utf-16"),
    ],
)
def test_what_cannot_be_read_without_guessing_is_refused(content: str | bytes, said: str) -> None:
    error = fault(content)
    assert error.code is Code.LABELS_UNREADABLE
    assert said in str(error)


def test_rows_that_mean_nothing_or_several_are_listed_by_number() -> None:
    join = Join(read_labels(b"PatientID,label\nP1,a\nP2,b\nP3,c\n"))
    for issuer in ("here", "there"):
        join.of(Identifiers(patient_id="P1", issuer=issuer))
    join.of(Identifiers(patient_id="P2"))
    join.of(Identifiers(patient_id="P2"))
    report = join.report()
    assert (report["rows"], report["used"]) == (3, 2)
    assert (report["unknown"], report["ambiguous"]) == ([4], [2])
    assert "P" not in json.dumps(report).replace("PatientID", "")


def test_scores_have_the_names_of_model_and_label() -> None:
    data = {"findings": [{"label": "Pneumonia", "score": 0.25, "threshold": 0.5}]}
    assert scores_of("chest", data) == {"chest/Pneumonia": 0.25}
    assert scores_of("chest", {}) == {}


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=20).map(str.strip)


@settings(deadline=None)
@given(
    st.lists(st.tuples(CELLS, CELLS), max_size=20),
    st.sampled_from(",;\t|"),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_what_a_spreadsheet_writes_is_read_back(cells: list[tuple[str, str]], delimiter: str, encoding: str) -> None:
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerow(["PatientID", "first", "second"])
    writer.writerows([[f"P{number}", *row] for number, row in enumerate(cells)])
    labels = read_labels(stream.getvalue().encode(encoding))
    assert values(labels) == {f"P{number}": tuple(row) for number, row in enumerate(cells)}
    assert Labels.of(json.loads(json.dumps(labels.to_json()))) == labels


@settings(deadline=None)
@given(
    st.one_of(
        st.binary(max_size=200),
        st.text(max_size=100).map(lambda text: f"PatientID,x\n{text}".encode("utf-8", "ignore")),
    )
)
def test_nothing_but_labels_or_a_code_comes_out(content: bytes) -> None:
    try:
        found: Labels | LabelsError = read_labels(content)
    except LabelsError as error:
        found = error
    assert found.columns if isinstance(found, Labels) else found.code.startswith("LABELS_")
