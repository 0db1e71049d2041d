"""The same inputs give the same UIDs, other inputs others, and all of them are UIDs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import UID

from orthanc_ai.report.uids import derive_uid, device_uid, recipe_digest, report_identity, tracking_uid

parts = st.lists(st.text(), max_size=4)


@given(parts)
def test_valid_and_repeatable(texts: list[str]) -> None:
    uid = UID(derive_uid(*texts))
    assert uid.is_valid
    assert uid.startswith("2.25.")
    assert derive_uid(*texts) == uid


@given(parts, parts)
def test_joined_without_ambiguity(one: list[str], other: list[str]) -> None:
    assert (derive_uid(*one) == derive_uid(*other)) == (one == other)


def test_never_changes() -> None:
    # Stored reports are found again by these; another result here breaks every archive.
    assert report_identity("1.2.3", "ab", "xray-findings", "cd", "findings") == report_identity(
        "1.2.3", "ab", "xray-findings", "cd", "findings"
    )
    assert derive_uid("1.2.3", "ab") == "2.25.219318658567988828561106255933607291762"
    assert (
        recipe_digest({"b": [1, "x", None], "a": 0.5})
        == "a7474a99a16a3d72a67e76e942b1cbf9a868f213e19cfde33a46bec676a73dfd"
    )


@pytest.mark.parametrize("changed", range(5))
def test_every_part_counts(changed: int) -> None:
    texts = ["1.2.3", "ab", "xray-findings", "cd", "findings"]
    one = report_identity(*texts)
    texts[changed] += "x"
    other = report_identity(*texts)
    uids = {one.sop_instance_uid, one.series_instance_uid, other.sop_instance_uid, other.series_instance_uid}
    assert len(uids) == 4


def test_tracking_follows_the_finding() -> None:
    assert tracking_uid("1.2.3", "Mass") == tracking_uid("1.2.3", "Mass")
    assert len({tracking_uid(source, label) for source in ("1.2.3", "1.2.4") for label in ("Mass", "Nodule")}) == 4


def test_device_is_model_weights_and_plugin() -> None:
    devices = {device_uid(*each) for each in (("m", "w", "1"), ("n", "w", "1"), ("m", "v", "1"), ("m", "w", "2"))}
    assert len(devices) == 4


def test_recipe_ignores_order_of_keys() -> None:
    assert recipe_digest({"a": 1, "b": {"c": 2, "d": 3}}) == recipe_digest({"b": {"d": 3, "c": 2}, "a": 1})
    assert recipe_digest({"a": 1}) != recipe_digest({"a": 2})


def test_recipe_refuses_what_json_has_not() -> None:
    with pytest.raises(ValueError, match="JSON"):
        recipe_digest({"threshold": float("nan")})
