"""What the plugin counts stands in Orthanc's own metrics, in a form that Prometheus takes, and names nobody."""

import re
import time
from collections.abc import Callable

from orthanc_ai.metrics import ENDS, WORKERS_REPLACED
from phantom.dicom import chest_dx

from .orthanc import Orthanc

SAMPLE = re.compile(
    r"""
    (?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)
    [ ](?P<value>[-+]?\d+(\.\d+)?([eE][-+]?\d+)?)
    [ ](?P<time>\d+)
    """,
    re.VERBOSE,
)
"""A sample line of Prometheus' text format 0.0.4 as Orthanc writes it: no labels, a number, the time in ms."""

FRONTAL, LATERAL = 3, 2


def read_metrics(orthanc: Orthanc) -> dict[str, tuple[float, float]]:
    """Value and time (seconds since 1970) by name; every line must be a sample, and no name may come twice."""
    answer = orthanc.request("GET", "/tools/metrics-prometheus")
    assert answer.ok
    assert answer.text.endswith("\n")
    samples = {}
    for line in answer.text.splitlines():
        sample = SAMPLE.fullmatch(line)
        assert sample, f"not a sample: {line!r}"
        assert sample["name"] not in samples
        samples[sample["name"]] = float(sample["value"]), int(sample["time"]) / 1000
    return samples


def wait_for(orthanc: Orthanc, name: str, value: float) -> dict[str, tuple[float, float]]:
    """The metrics, as soon as one of them has a value: they are written every few seconds."""
    orthanc.wait_until(
        lambda: read_metrics(orthanc).get(name, (None, 0))[0] == value,
        f"{name} does not become {value}: {read_metrics(orthanc).get(name)}",
        30,
    )
    return read_metrics(orthanc)


def test_what_was_read_is_counted(make_server: Callable[..., Orthanc]) -> None:
    orthanc = make_server().start()
    orthanc.wait_idle()
    before = wait_for(orthanc, "orthanc_ai_model_ready", 1)
    assert all(before[f"orthanc_ai_jobs_ended_{code}_total"][0] == 0 for code in ENDS)
    assert before[WORKERS_REPLACED][0] == 0

    films = [chest_dx(seed, rows=256, columns=256) for seed in range(FRONTAL)]
    films += [
        chest_dx(seed, rows=256, columns=256, ViewPosition="LL", ViewCodeSequence=None) for seed in range(LATERAL)
    ]
    assert len(orthanc.upload(films)) == FRONTAL + LATERAL
    orthanc.wait_idle()
    after = wait_for(orthanc, "orthanc_ai_jobs_ended_REPORTED_total", FRONTAL)

    assert after["orthanc_ai_jobs_ended_LATERAL_VIEW_total"][0] == LATERAL
    assert after["orthanc_ai_jobs_ended_FAILED_total"][0] == 0
    assert after["orthanc_ai_jobs_waiting"][0] == after["orthanc_ai_jobs_running"][0] == 0
    assert after["orthanc_ai_xray_findings_header_seconds_count"][0] == FRONTAL + LATERAL
    assert after["orthanc_ai_xray_findings_infer_seconds_count"][0] == FRONTAL
    assert 0 < after["orthanc_ai_xray_findings_infer_seconds_sum"][0] < 60 * FRONTAL

    ours = {name for name in after if name.startswith("orthanc_ai_")}
    # A UID, an Orthanc identifier or a date in a name would have more digits than any word of ours.
    assert not [name for name in ours if re.search(r"\d{3}|[0-9a-f]{8}-", name)]

    # Prometheus forgets what is not written anew for five minutes, also if nothing changes.
    written = after[WORKERS_REPLACED][1]
    orthanc.wait_until(
        lambda: read_metrics(orthanc)[WORKERS_REPLACED][1] > written, "the metrics are written only once", 30
    )
    assert all(abs(read_metrics(orthanc)[name][1] - time.time()) < 60 for name in ours)
