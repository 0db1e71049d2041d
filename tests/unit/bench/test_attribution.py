"""Where the processor time of an image is said to go."""

import pytest

from bench.attribution import PARTS, attribute, cost, ratio
from bench.subjects import Run

STAGES = {
    "header": 0.2,
    "load": 0.0,
    "decode": 2.0,
    "resize": 1.0,
    "reduce": 0.1,
    "digest": 0.3,
    "infer": 5.6,
    "ratio": 0.3,
    "report": 0.5,
}

PRODUCT = Run(
    "product",
    films=10,
    seconds=5.0,
    cpu={"server": 3.0, "workers": 11.0, "client": 0.0, "senders": 1.0},
    stages=STAGES,
)
STORING = Run("alone", films=20, seconds=1.0, cpu={"server": 1.2, "workers": 0.0, "client": 0.0, "senders": 2.0})
REPORTS = Run("storing reports", films=10, seconds=1.0, cpu={"server": 0.4})


def test_every_part_has_its_known_share() -> None:
    parts = attribute(PRODUCT, STORING, REPORTS)
    assert tuple(parts) == PARTS
    assert parts == pytest.approx(
        {
            "receive": 0.06,
            "queue": 0.3,  # 1.4 for an image, less all others
            "header": 0.05,
            "decode": 0.2,
            "resize": 0.1,
            "infer": 0.56,
            "ratio": 0.04,
            "report": 0.05,
            "store": 0.04,
        }
    )


def test_the_parts_are_what_server_and_workers_took() -> None:
    assert sum(attribute(PRODUCT, STORING, REPORTS).values()) == pytest.approx(1.4)


def test_a_stage_that_the_benchmark_does_not_know_is_in_the_rest() -> None:
    run = Run("product", 10, 5.0, PRODUCT.cpu, stages={**STAGES, "explain": 1.0})
    assert attribute(run, STORING, REPORTS) == attribute(PRODUCT, STORING, REPORTS)


def test_an_image_costs_what_all_but_the_senders_took() -> None:
    assert cost(PRODUCT) == pytest.approx({"server": 0.3, "workers": 1.1, "client": 0.0, "senders": 0.1, "all": 1.4})


def test_the_ratio_is_to_storing_and_bare_model_together() -> None:
    assert ratio(PRODUCT, STORING, {"cpu_seconds": 0.64}) == pytest.approx(1.4 / (0.06 + 0.64))
