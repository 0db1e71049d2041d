import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orthanc_ai.codes import Code
from orthanc_ai.datasets.check import check_rows
from orthanc_ai.datasets.members import Member
from orthanc_ai.datasets.splits import DEFAULT_RATIOS, Division, Earlier, Plan, divide

HALVES = {"test": 0.5, "train": 0.5}


def member(key: str, patient: str | Iterable[str] = "", **named: Any) -> Member:
    ids = [patient] if isinstance(patient, str) else patient
    return Member.named(key, patient_ids=ids, instance=named.pop("instance", f"1.2.{key}"), **named)


def patients(count: int, images: int = 1, start: int = 0, **named: Any) -> list[Member]:
    return [
        member(f"p{number}-{image}", f"P{number}", study=f"1.{number}", pixels=f"{number}-{image}", **named)
        for number in range(start, start + count)
        for image in range(images)
    ]


def together(division: Division, *keys: str) -> bool:
    return len({division.sides[key] for key in keys}) == len({division.groups[key] for key in keys}) == 1


def table(members: Iterable[Member], division: Division) -> list[dict[str, str]]:
    """What a dataset would say of its images; the patients as the check of another would tell them."""
    by_key = {one.key: one for one in members}
    return [
        {
            "file": key,
            "split": side,
            "group": division.groups[key],
            "patient": "".join(sorted(by_key[key].patients)[:1]),
            "pixels": by_key[key].pixels,
            "picture": by_key[key].picture,
            **{uid.split()[0].replace("instance", "image"): uid for uid in by_key[key].uids},
        }
        for key, side in division.sides.items()
    ]


def always_together(first: Member, second: Member) -> bool:
    """Whether two images end on one side, whatever the seed."""
    divisions = [divide([first, second, *patients(20)], Plan(HALVES, seed)) for seed in range(12)]
    return all(together(division, first.key, second.key) for division in divisions)


# Who belongs together


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param("4711", "4711", id="same ID, whoever issued it"),
        pytest.param("4711", " 4711 ", id="padding"),
        pytest.param("A 4711", "a4711", id="case and spaces within"),
        pytest.param("4711", "004711", id="leading zeros"),
        pytest.param("\uff14\uff17\uff11\uff11", "4711", id="full-width digits"),
        pytest.param(("4711", "MRN-9"), "mrn-9", id="other patient IDs"),
        pytest.param(("1", "Z"), ("2", "Z"), id="both have the same other ID"),
    ],
)
def test_one_patient_however_the_id_is_written(first: str, second: str) -> None:
    assert always_together(member("a", first), member("b", second))


def test_ids_that_differ_are_apart() -> None:
    sides = [divide([member("a", "4711"), member("b", "4712")], Plan(HALVES, seed)) for seed in range(12)]
    assert not any(together(division, "a", "b") for division in sides)


def test_duplicates_under_new_uids_join_their_patients() -> None:
    first = [member("a1", "A", study="1", pixels="same"), member("a2", "A", study="1", pixels="x")]
    second = [member("b1", "B", study="2", pixels="same"), member("b2", "B", study="3", pixels="y")]
    for seed in range(12):
        division = divide([*first, *second, *patients(30)], Plan(HALVES, seed))
        assert together(division, "a1", "a2", "b1", "b2")


def test_two_pictures_that_are_written_alike_are_one() -> None:
    first, second = member("a", "A", pixels="1", picture="black"), member("b", "B", pixels="2", picture="black")
    assert always_together(first, second)


def test_pixels_of_one_that_are_the_picture_of_another() -> None:
    assert always_together(member("a", "A", pixels="x"), member("b", "B", pixels="1", picture="x"))


@pytest.mark.parametrize("level", ["study", "series", "instance"])
def test_one_uid_under_two_patients_joins_them(level: str) -> None:
    assert always_together(member("a", "A", **{level: "1.2.3"}), member("b", "B", **{level: "1.2.3"}))


def test_empty_ids_are_no_patient_of_their_own() -> None:
    nobodies = [member(f"n{number}", "", study=f"9.{number}") for number in range(100)]
    division = divide(nobodies, Plan(HALVES))
    assert Counter(division.sides.values()) == {"train": 50, "test": 50}


def test_empty_ids_go_by_study_and_by_pixels() -> None:
    study = [member("n1", " ", study="9"), member("n2", "", study="9")]
    known = member("k", "K", study="10", pixels="same")
    elsewhere = member("n3", "\0", study="11", pixels="same")
    for seed in range(12):
        division = divide([*study, known, elsewhere, *patients(20)], Plan(HALVES, seed))
        assert together(division, "n1", "n2")
        assert together(division, "k", "n3")


def test_nothing_known_is_a_group_of_its_own() -> None:
    division = divide([Member("a"), Member("b")], Plan(HALVES))
    assert sorted(division.sides.values()) == ["test", "train"]


def test_chains_are_followed() -> None:
    links = [member(f"c{number}", (f"L{number}", f"L{number + 1}")) for number in range(40)]
    for seed in range(6):
        division = divide([*links, *patients(20)], Plan(HALVES, seed))
        assert together(division, *(one.key for one in links))


def test_pictures_of_one_value_join_nobody_and_are_left_out() -> None:
    blanks = [member(f"b{number}", f"B{number}", pixels="zero", uniform=True) for number in range(10)]
    others = [member(f"o{number}", f"B{number}", pixels=str(number)) for number in range(10)]
    division = divide([*blanks, *others], Plan(HALVES))
    assert division.left_out == {one.key: Code.PIXELS_UNIFORM for one in blanks}
    assert len(set(division.groups.values())) == 10


# Growth


def grown(
    old: list[Member], new: list[Member], seed: int = 0, ratios: Mapping[str, float] = HALVES
) -> tuple[Division, Division]:
    first = divide(old, Plan(ratios, seed))
    kept = Earlier.of(first.earlier.to_json())
    return first, divide([*old, *new], Plan(ratios, seed), kept)


def on_both_sides(seed: int = 0) -> tuple[str, str, list[Member], Division]:
    """Two patients on different sides."""
    old = patients(10)
    first = divide(old, Plan(HALVES, seed))
    number_of = {side: next(one for one in range(10) if first.sides[f"p{one}-0"] == side) for side in HALVES}
    return f"P{number_of['train']}", f"P{number_of['test']}", old, first


def test_patients_stay_when_the_dataset_grows() -> None:
    first, second = grown(patients(50, 2), patients(300, 3, start=25))
    assert all(second.sides[key] == side for key, side in first.sides.items())
    assert not second.left_out


def test_new_images_of_a_patient_go_where_he_stands() -> None:
    first, second = grown(patients(20), [member(f"new{number}", f"p{number}", study="77") for number in range(20)])
    # The one study is of twenty patients: that joins all of them.
    assert set(second.left_out) == {f"new{number}" for number in range(20)}
    first, second = grown(patients(20), [member(f"new{number}", f"p{number}") for number in range(20)])
    assert all(second.sides[f"new{number}"] == first.sides[f"p{number}-0"] for number in range(20))


def test_a_new_patient_with_a_known_picture_goes_where_it_stands() -> None:
    new = [member("d1", "D", pixels="3-0"), member("d2", "D", pixels="other")]
    first, second = grown(patients(20), new)
    assert second.sides["d1"] == second.sides["d2"] == first.sides["p3-0"]
    assert together(second, "d1", "d2", "p3-0")


def test_an_image_that_joins_two_sides_is_left_out_and_nobody_moves() -> None:
    here, there, old, first = on_both_sides()
    link = member("link", here, pixels=f"{there[1:]}-0")
    innocent = member("innocent", here, study="5.5")
    second = divide([*old, link, innocent], Plan(HALVES), first.earlier)
    assert second.left_out == {"link": Code.SPLIT_CONFLICT}
    assert second.sides["innocent"] == first.sides[f"p{here[1:]}-0"]
    assert all(second.sides[key] == side for key, side in first.sides.items())


def test_two_new_images_that_join_two_sides_are_both_left_out() -> None:
    here, there, old, first = on_both_sides()
    new = [member("x", here, pixels="new"), member("y", there, pixels="new")]
    second = divide([*old, *new], Plan(HALVES), first.earlier)
    assert second.left_out == {"x": Code.SPLIT_CONFLICT, "y": Code.SPLIT_CONFLICT}


def test_a_new_patient_who_is_both_is_left_out_with_all_his_images() -> None:
    here, there, old, first = on_both_sides()
    new = [member("c1", ("C", here)), member("c2", ("C", there)), member("c3", "C", study="8.8")]
    second = divide([*old, *new], Plan(HALVES), first.earlier)
    assert set(second.left_out) == {"c1", "c2", "c3"}
    assert set(second.left_out.values()) == {Code.SPLIT_CONFLICT}


def test_a_corrected_patient_id_does_not_move_an_image() -> None:
    here, there, old, first = on_both_sides()
    corrected = [member(f"p{here[1:]}-0", there, study=f"1.{here[1:]}", pixels=f"{here[1:]}-0")]
    second = divide([one for one in old if one.key != corrected[0].key] + corrected, Plan(HALVES), first.earlier)
    assert second.left_out == {corrected[0].key: Code.SPLIT_CONFLICT}


def test_one_stray_image_does_not_take_its_study_along() -> None:
    here, there, old, first = on_both_sides()
    study = [member(f"s{number}", here, study="6.6", pixels=f"s{number}") for number in range(5)]
    study.append(member("stray", here, study="6.6", pixels=f"{there[1:]}-0"))
    second = divide([*old, *study], Plan(HALVES), first.earlier)
    assert set(second.left_out) == {"stray"}


def test_the_share_is_kept_while_it_grows() -> None:
    earlier, members = None, []
    for step in range(10):
        members += patients(10, start=10 * step)
        division = divide(members, Plan(DEFAULT_RATIOS), earlier)
        earlier = division.earlier
    assert Counter(division.sides.values()) == {"train": 80, "validation": 10, "test": 10}


def test_a_side_cannot_vanish() -> None:
    first = divide(patients(10), Plan(DEFAULT_RATIOS))
    with pytest.raises(ValueError, match="a side that this one has not: validation"):
        divide(patients(10), Plan({"train": 0.8, "test": 0.2}), first.earlier)


def test_the_kept_division_is_of_this_version() -> None:
    with pytest.raises(ValueError, match="another version"):
        Earlier.of({"format": 0})


# Plans


@pytest.mark.parametrize(
    "ratios",
    [
        {},
        {"train": 0.5},
        {"train": 1.1, "test": -0.1},
        {"train": float("nan")},
        {"Train": 1.0},
        {"../x": 1.0},
        {"a": 0.6, "b": 0.6},
    ],
)
def test_ratios_that_divide_nothing_are_refused(ratios: Mapping[str, float]) -> None:
    with pytest.raises(ValueError, match=r"ratio|side"):
        Plan(ratios)


def test_one_side_is_a_split_too() -> None:
    assert set(divide(patients(5), Plan({"all": 1.0})).sides.values()) == {"all"}


def test_the_seed_matters_and_decides() -> None:
    members = patients(60)
    first, again, other = (divide(members, Plan(DEFAULT_RATIOS, seed)).sides for seed in (1, 1, 2))
    assert first == again != other


def test_more_images_of_a_patient_change_nothing_for_the_others() -> None:
    few, many = patients(60), patients(60, 3)
    assert divide(few, Plan()).sides.items() <= divide(many, Plan()).sides.items()


# Properties

IDS = st.sampled_from(["", " ", "1", "01", "a", "A ", "b", "c", "d", "e", "f", "2", "3"])


@st.composite
def members_of(draw: st.DrawFn, prefix: str = "m") -> list[Member]:
    count = draw(st.integers(0, 15))
    return [
        member(
            f"{prefix}{number}",
            draw(st.lists(IDS, min_size=1, max_size=2)),
            study=draw(st.sampled_from(["", "1", "2", "3", "4", "5"])),
            instance=draw(st.sampled_from(["", "1.1", *(f"9.{prefix}.{number}" for _ in range(3))])),
            pixels=draw(st.sampled_from(["", "x", *(f"{prefix}{number}" for _ in range(6))])),
            uniform=draw(st.sampled_from([False] * 9 + [True])),
            stratum=draw(st.sampled_from(["", "0", "1"])),
        )
        for number in range(count)
    ]


def assert_no_leak(members: Iterable[Member], division: Division) -> None:
    """Nothing by which images may belong together stands on two sides; told by the members alone."""
    sides: defaultdict[str, set[str]] = defaultdict(set)
    for one in members:
        if one.key in division.sides:
            for shared in (*(f"id {identifier}" for identifier in one.patients), *one.uids, f"pixels {one.pixels}"):
                if shared != "pixels ":
                    sides[shared].add(division.sides[one.key])
    assert all(len(found) == 1 for found in sides.values())
    rows = table(members, division)
    assert not check_rows(rows).leaks if rows else True


@settings(max_examples=60, deadline=None)
@given(members_of(), st.integers(0, 5), st.randoms())
def test_never_a_leak_in_any_order(members: list[Member], seed: int, order: random.Random) -> None:
    division = divide(members, Plan(DEFAULT_RATIOS, seed))
    assert_no_leak(members, division)
    assert set(division.sides) | set(division.left_out) == {one.key for one in members}
    assert set(division.groups) == set(division.sides)
    shuffled = list(members)
    order.shuffle(shuffled)
    assert divide(shuffled, Plan(DEFAULT_RATIOS, seed)) == division


@settings(max_examples=60, deadline=None)
@given(members_of("o"), members_of("n"), members_of("z"), st.integers(0, 5))
def test_never_a_leak_and_nobody_moves_however_it_grows(
    old: list[Member], new: list[Member], newest: list[Member], seed: int
) -> None:
    plan = Plan({"train": 0.4, "validation": 0.3, "test": 0.3}, seed)
    first = divide(old, plan)
    second = divide([*old, *new], plan, Earlier.of(first.earlier.to_json()))
    third = divide([*old, *new, *newest], plan, Earlier.of(second.earlier.to_json()))
    for earlier, later in ((first, second), (second, third)):
        assert earlier.sides.items() <= later.sides.items()
    assert_no_leak([*old, *new], second)
    assert_no_leak([*old, *new, *newest], third)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from("abcd"), min_size=1, max_size=120),
    st.sampled_from([DEFAULT_RATIOS, HALVES, {"a": 0.34, "b": 0.33, "c": 0.33}, {"train": 0.97, "v": 0.01, "t": 0.02}]),
    st.integers(0, 100),
    st.integers(1, 4),
)
def test_every_stratum_gets_its_share(strata: list[str], ratios: Mapping[str, float], seed: int, steps: int) -> None:
    members = [member(str(number), f"P{number}", stratum=stratum) for number, stratum in enumerate(strata)]
    earlier = None
    for step in range(1, steps + 1):
        division = divide(members[: -(-len(members) * step // steps)], Plan(ratios, seed), earlier)
        earlier = division.earlier
    for chosen in ("abcd", *strata):
        keys = [one.key for one in members if one.stratum in chosen]
        counts = Counter(division.sides[key] for key in keys)
        # Two groups more or less than the share: one cannot divide a patient.
        assert all(abs(counts[side] - ratio * len(keys)) <= 2 for side, ratio in ratios.items())
