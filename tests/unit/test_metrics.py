"""What is counted, under which names, and that it is written again and again."""

import re
import threading
from pathlib import Path

import pytest

from orthanc_ai.codes import Code
from orthanc_ai.metrics import ENDS, GAUGES, PREFIX, Metrics

NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
"""Prometheus' data model, without the colon, which is for recording rules."""

PAGE = Path(__file__).resolve().parents[2] / "docs" / "operation.md"


class Registry:
    """Orthanc's registry: the latest value of each name, and how often it was written."""

    def __init__(self) -> None:
        self.values: dict[str, float] = {}
        self.writes = 0

    def write(self, name: str, value: float) -> None:
        assert NAME.fullmatch(name)
        self.values[name] = value
        self.writes += 1


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
def metrics(registry: Registry) -> Metrics:
    return Metrics(registry.write)


def test_jobs_are_counted_by_code_and_stages_by_analysis(metrics: Metrics, registry: Registry) -> None:
    metrics.job_ended("xray-findings", Code.REPORTED, {"infer": 0.25, "report": 0.5}, {"infer": 0.5})
    metrics.job_ended("xray-findings", Code.REPORTED, {"infer": 0.5, "report": 0.25}, {"infer": 1.0})
    metrics.job_ended("xray-findings", Code.NOT_CHEST, {})
    metrics.job_ended("cardiac-ct", Code.ACCEPTED, {"report": 2.0})
    metrics.flush()
    counted = {name: value for name, value in registry.values.items() if value}
    assert counted == {
        "orthanc_ai_jobs_ended_REPORTED_total": 2,
        "orthanc_ai_jobs_ended_NOT_CHEST_total": 1,
        "orthanc_ai_jobs_ended_ACCEPTED_total": 1,
        "orthanc_ai_xray_findings_infer_seconds_sum": 0.75,
        "orthanc_ai_xray_findings_infer_cpu_seconds_sum": 1.5,
        "orthanc_ai_xray_findings_infer_seconds_count": 2,
        "orthanc_ai_xray_findings_report_seconds_sum": 0.75,
        "orthanc_ai_xray_findings_report_seconds_count": 2,
        "orthanc_ai_cardiac_ct_report_seconds_sum": 2,
        "orthanc_ai_cardiac_ct_report_seconds_count": 1,
    }


def test_counters_that_alerts_watch_begin_at_zero(metrics: Metrics, registry: Registry) -> None:
    metrics.flush()
    assert registry.values == {
        "orthanc_ai_jobs_ended_REPORTED_total": 0,
        "orthanc_ai_jobs_ended_ACCEPTED_total": 0,
        "orthanc_ai_jobs_ended_HELD_total": 0,
        "orthanc_ai_jobs_ended_RETRYING_total": 0,
        "orthanc_ai_jobs_ended_FAILED_total": 0,
        "orthanc_ai_workers_replaced_total": 0,
    }


def test_a_gauge_shows_the_latest_value_and_none_before_the_first(metrics: Metrics, registry: Registry) -> None:
    metrics.gauge("jobs_waiting", 7)
    metrics.gauge("jobs_waiting", 3)
    metrics.flush()
    assert registry.values["orthanc_ai_jobs_waiting"] == 3
    assert "orthanc_ai_jobs_running" not in registry.values


def test_a_gauge_that_nobody_documented_is_refused(metrics: Metrics) -> None:
    with pytest.raises(KeyError, match="jobs_wating"):
        metrics.gauge("jobs_wating", 1)


def test_values_that_stay_are_written_again(metrics: Metrics, registry: Registry) -> None:
    metrics.flush()
    first = registry.writes
    metrics.flush()
    assert registry.writes == 2 * first > 0


def test_nothing_is_miscounted_when_many_threads_report(metrics: Metrics, registry: Registry) -> None:
    def report() -> None:
        for _ in range(2000):
            metrics.job_ended("xray-findings", Code.REPORTED, {"infer": 1.0})
            metrics.worker_replaced()

    threads = [threading.Thread(target=report) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    metrics.flush()
    assert registry.values["orthanc_ai_jobs_ended_REPORTED_total"] == 8000
    assert registry.values["orthanc_ai_workers_replaced_total"] == 8000
    assert registry.values["orthanc_ai_xray_findings_infer_seconds_sum"] == 8000


@pytest.mark.parametrize("code", Code)
def test_every_code_makes_a_name_that_prometheus_takes(metrics: Metrics, registry: Registry, code: Code) -> None:
    metrics.job_ended("xray-findings", code, {"pixels 16-bit": 1.0})
    metrics.flush()
    assert registry.values[f"orthanc_ai_jobs_ended_{code}_total"] == 1


def test_the_page_lists_what_there_is() -> None:
    listed = set(re.findall(r"^\| `(orthanc_ai_\w+)", PAGE.read_text(), re.MULTILINE))
    gauges = {PREFIX + name for name in GAUGES}
    counters = {f"orthanc_ai_jobs_ended_{code}_total" for code in ENDS} | {"orthanc_ai_workers_replaced_total"}
    xray = ("header", "load", "decode", "resize", "reduce", "digest", "infer", "ratio", "overlays", "report")
    stages = {f"orthanc_ai_xray_findings_{stage}_seconds_sum" for stage in xray}
    stages |= {f"orthanc_ai_cardiac_ct_{stage}_seconds_sum" for stage in ("judge", "report")}
    assert listed == gauges | counters | stages
