"""Which series is best for what, and by what the others come after it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orthanc_ai.cardiac.best import CRITERIA, Candidate, best_series
from orthanc_ai.cardiac.judge import judge_series
from orthanc_ai.cardiac.roles import Role

from .examples import stack


def verdict(**changes: Any) -> dict[str, Any]:
    """The JSON of a good coronary angiogram, as far as it is compared, with changes."""
    geometry = {"thicknessMm": 0.6, "spacingMm": 0.4, "coverageMm": 140.0, **changes.pop("geometry", {})}
    return {
        "number": 5,
        "description": "CorCTA  0.6  Bv40  75 %",
        "accepted": True,
        "role": "CCTA",
        "phases": [{"label": "75%", "source": "ScanOptions", "value": 75, "unit": "%", "images": 300, "sound": True}],
        "convolutionKernel": "Bv40d",
        "derived": False,
        "contrast": {"stated": True, "seen": "YES", "bloodHu": 400},
        "codes": ["CONTRAST_TAG"],
        "geometry": geometry,
        **changes,
    }


def phase(label: str, *, sound: bool = True) -> dict[str, Any]:
    unit = label.lstrip("0123456789.#t")
    return {"label": label, "value": float(label.strip("%mst#")), "unit": unit, "sound": sound}


def candidate(uid: str, study: str = "1.2", **changes: Any) -> Candidate:
    made = Candidate.of(study, uid, verdict(**changes))
    assert made
    return made


BETTER_FIRST: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("compression", {}, {"codes": ["LOSSY_COMPRESSION"]}),
    ("contrast", {}, {"contrast": {"seen": "NO"}}),
    ("contrast", {"contrast": {"seen": None}}, {"contrast": {"seen": "NO"}}),
    ("phase", {"phases": [phase("75%")]}, {"phases": [phase("65%")]}),
    ("phase", {"phases": [phase("78%")]}, {"phases": [phase("80%")]}),
    ("phase", {"phases": [phase("60%")]}, {"phases": [phase("40%")]}),
    ("phase", {"phases": [phase("60%")]}, {"phases": [phase("35%")], "description": "BestSyst 35 %"}),
    ("phase", {"phases": [phase("65%")], "description": "BestDiast 65 %"}, {"phases": [phase("68%")]}),
    ("phase", {"phases": [phase("35%")], "description": "BestSyst 35 %"}, {"phases": [phase("40%")]}),
    ("phase", {"phases": [phase("40%"), phase("75%")]}, {"phases": [phase("66%")]}),
    ("phase", {"phases": [phase("66%")]}, {"phases": [phase("40%"), phase("75%", sound=False)]}),
    ("phase", {"phases": [phase("40%")]}, {"phases": [phase("250ms")]}),
    ("phase", {"phases": [phase("66%")]}, {"phases": [], "description": "Cor CTA"}),
    ("kernel", {}, {"convolutionKernel": "Bv59"}),
    ("kernel", {"convolutionKernel": ""}, {"convolutionKernel": "B70s"}),
    ("thickness", {}, {"geometry": {"thicknessMm": 0.75}}),
    ("thickness", {"geometry": {"thicknessMm": None}}, {"geometry": {"thicknessMm": 0.75}}),
    ("coverage", {}, {"geometry": {"coverageMm": 110.0}}),
    ("original", {}, {"derived": True}),
]


@pytest.mark.parametrize(("criterion", "better", "worse"), BETTER_FIRST)
def test_each_criterion_decides_and_is_named(criterion: str, better: dict[str, Any], worse: dict[str, Any]) -> None:
    # By their UIDs alone, the worse one would come first.
    places = best_series([candidate("1.1", **worse), candidate("1.9", **better)])[Role.CCTA]
    assert [(one.candidate.series_instance_uid, one.behind) for one in places] == [("1.9", None), ("1.1", criterion)]


def test_an_earlier_criterion_outweighs_all_later_ones() -> None:
    good_phase = candidate(
        "1.9", convolutionKernel="Br64", derived=True, geometry={"thicknessMm": 0.9, "coverageMm": 70}
    )
    assert best_series([candidate("1.1", phases=[phase("40%")]), good_phase])[Role.CCTA][0].candidate is good_phase


def test_what_hardly_differs_decides_nothing() -> None:
    same = candidate("1.9", geometry={"thicknessMm": 0.61, "coverageMm": 140.9}, phases=[phase("71%")])
    places = best_series([same, candidate("1.1")])[Role.CCTA]
    assert [(one.candidate.series_instance_uid, one.behind) for one in places] == [
        ("1.1", None),
        ("1.9", "SeriesInstanceUID"),
    ]


def test_calcium_is_scored_in_3_mm_without_contrast() -> None:
    def first(*series: Candidate) -> str:
        return best_series(series)[Role.CAC][0].candidate.series_instance_uid

    usual = candidate("1.9", role="CAC", geometry={"thicknessMm": 3.0}, contrast={"seen": "NO"})
    assert first(candidate("1.1", role="CAC", geometry={"thicknessMm": 1.5}, contrast={"seen": "NO"}), usual) == "1.9"
    assert first(candidate("1.1", role="CAC", geometry={"thicknessMm": 3.0}, contrast={"seen": "YES"}), usual) == "1.9"


def test_function_wants_many_phases_in_one_series_or_in_several() -> None:
    few = candidate("1.1", role="FUNCTIONAL_MULTIPHASE", phases=[phase(f"{n}0%") for n in range(5)])
    many = candidate("1.9", role="FUNCTIONAL_MULTIPHASE", phaseGroup=[f"1.{n}" for n in range(10)])
    place, other = best_series([few, many])[Role.FUNCTIONAL_MULTIPHASE]
    assert (place.candidate, place.values["phases"], other.behind) == (many, "10", "phases")


def test_values_say_what_was_compared() -> None:
    [place] = best_series([candidate("1.1")])[Role.CCTA]
    assert place.values == {
        "compression": "without loss",
        "contrast": "seen in the pixels",
        "phase": "75% (diastole)",
        "kernel": "Bv40d (soft)",
        "thickness": "0.6 mm",
        "coverage": "140 mm",
        "original": "original",
    }
    assert place.candidate.phase == "75%"


def test_each_role_has_its_own_best() -> None:
    found = best_series([candidate("1.1"), candidate("1.2", role="CAC"), candidate("1.3", role="CAC")])
    assert {role: len(places) for role, places in found.items()} == {Role.CAC: 2, Role.CCTA: 1}
    assert set(CRITERIA) == set(Role)


def test_a_real_verdict_is_a_candidate_and_a_refused_one_is_not() -> None:
    good = judge_series(stack()).to_json()
    made = Candidate.of("1", "2", good)
    assert made
    assert [place.candidate for place in best_series([made])[Role[good["role"]]]] == [made]
    assert Candidate.of("1", "2", judge_series(stack(count=20)).to_json()) is None


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text("a1%", max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["label", "value", "seen", "thicknessMm"]), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(sorted(verdict())), anything))
def test_a_spoiled_verdict_is_no_candidate_or_has_its_place(changes: dict[str, Any]) -> None:
    spoiled = Candidate.of("1", "2", {**verdict(), **changes})
    places = best_series([candidate("1.1"), *([spoiled] if spoiled else [])])
    assert sum(map(len, places.values())) == 1 + (spoiled is not None)


def test_a_thickness_that_no_number_of_steps_can_tell_comes_last() -> None:
    places = best_series([candidate("1.1", geometry={"thicknessMm": 1e308}), candidate("1.9")])[Role.CCTA]
    assert [one.candidate.series_instance_uid for one in places] == ["1.9", "1.1"]


series = st.builds(
    lambda uid, *parts: candidate(uid, **{name: value for part in parts for name, value in part.items()}),
    st.uuids().map(str),
    st.sampled_from([{"phases": [phase(label)]} for label in ("35%", "70%", "75%", "250ms")]),
    st.sampled_from([{"convolutionKernel": kernel} for kernel in ("Bv40", "Br64", "")]),
    st.sampled_from([{"geometry": {"thicknessMm": thickness}} for thickness in (0.6, 0.75, None)]),
    st.sampled_from([{"derived": derived} for derived in (True, False)]),
)


@given(st.lists(series, min_size=1, unique_by=lambda one: one.series_instance_uid), st.randoms(use_true_random=False))
def test_the_order_of_the_series_does_not_matter(given_: list[Candidate], random: Any) -> None:
    shuffled = list(given_)
    random.shuffle(shuffled)
    assert best_series(given_) == best_series(shuffled)
