import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset

from orthanc_ai.xray.age import age_in_years


def patient(**attributes: str) -> Dataset:
    dataset = Dataset()
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


@pytest.mark.filterwarnings("ignore:Invalid value for VR AS")
@pytest.mark.parametrize(
    ("stated", "years"),
    [("045Y", 45), ("000Y", 0), ("006M", 0.5), ("002W", 0.0383), ("010D", 0.0274), ("81", 81), ("62", 62), ("5Y", 5)],
)
def test_stated_ages(stated: str, years: float) -> None:
    assert age_in_years(patient(PatientAge=stated)) == pytest.approx(years, abs=1e-4)


def test_from_birth_to_study() -> None:
    assert age_in_years(patient(PatientBirthDate="19400305", StudyDate="20040826")) == pytest.approx(64.48, abs=0.01)
    assert age_in_years(patient(PatientBirthDate="20200101", StudyDate="", ContentDate="20200201")) == pytest.approx(
        0.085, abs=0.001
    )


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"PatientAge": ""},
        {"PatientAge": "411Y"},
        {"PatientAge": "old"},
        {"PatientBirthDate": "19400305"},
        {"StudyDate": "20040826"},
        {"PatientBirthDate": "00000000", "StudyDate": "00000000"},
        {"PatientBirthDate": "20040826", "StudyDate": "19400305"},
        {"PatientBirthDate": "1940.03.05", "StudyDate": "20040826"},
    ],
)
def test_ages_that_cannot_be_had(attributes: dict[str, str]) -> None:
    assert age_in_years(patient(**attributes)) is None


@pytest.mark.filterwarnings("ignore:Invalid value for VR AS")
def test_a_slip_in_the_stated_age_gives_way_to_the_dates() -> None:
    slip = patient(PatientAge="411Y", PatientBirthDate="19400305", StudyDate="20040826")
    assert age_in_years(slip) == pytest.approx(64.48, abs=0.01)


@pytest.mark.filterwarnings("ignore")
@given(st.text(max_size=8), st.text(max_size=10), st.text(max_size=10))
def test_nonsense_is_no_age(stated: str, birth: str, study: str) -> None:
    age = age_in_years(patient(PatientAge=stated, PatientBirthDate=birth, StudyDate=study))
    assert age is None or 0 <= age <= 122
