"""A table of series of four vendors: what each of them is."""

from collections import Counter

import pytest

from orthanc_ai.cardiac.roles import Role
from orthanc_ai.codes import Code

from .vendor_series import DEFAULTS, TABLE, Row


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.vendor}: {row.description}")
def test_what_a_series_is(row: Row) -> None:
    verdict = row.judged()
    if isinstance(row.what, Role):
        assert verdict.role is row.what, verdict.codes
    else:
        assert verdict.decisive is row.what, verdict.codes


def test_the_table_is_wide() -> None:
    vendors = Counter(row.vendor for row in TABLE)
    assert sum(vendors.values()) >= 60
    assert set(vendors) == set(DEFAULTS)
    assert min(vendors.values()) >= 12
    assert {row.what for row in TABLE} >= {*Role, Code.NOT_CARDIAC, Code.LOCALIZER, Code.BOLUS_TRACKING}
