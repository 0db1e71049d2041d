"""Where the processor time of an analysed film goes."""

from collections.abc import Mapping

from bench.subjects import Run

PARTS = ("receive", "queue", "header", "decode", "resize", "infer", "ratio", "report", "store")
"""From the first byte to the stored report.

receive
    What the same Orthanc without the plugin spends on storing the film.
queue
    Everything between: the change log, the index, the way of the file to the worker and back, the worker's own loop.
    It is what is left of server and workers when all other parts are taken away.
header, decode, resize, infer, ratio, report
    The worker's own stages; the digest of the pixels counts for the header, making the film small for the ratio.
store
    What the same Orthanc without the plugin spends on storing a report.
"""

_HEADER = ("header", "load", "digest")
_RATIO = ("reduce", "ratio")
_STAGES = ("decode", "resize", "infer", "report")


def attribute(product: Run, storing: Run, reports: Run) -> dict[str, float]:
    """Processor seconds of server and workers for a film, by part.

    Parameters
    ----------
    product
        The server with the plugin.
    storing
        The same films in Orthanc alone.
    reports
        Their reports in Orthanc alone.

    Returns
    -------
    By the names in `PARTS`; together they are what server and workers took.
    """
    films = product.films
    stages = {name: seconds / films for name, seconds in product.stages.items()}
    parts = {
        "receive": storing.cpu["server"] / storing.films,
        "queue": 0.0,
        "header": sum(stages.get(name, 0.0) for name in _HEADER),
        **{name: stages.get(name, 0.0) for name in _STAGES},
        "ratio": sum(stages.get(name, 0.0) for name in _RATIO),
        "store": reports.cpu["server"] / reports.films,
    }
    parts["queue"] = (product.cpu["server"] + product.cpu["workers"]) / films - sum(parts.values())
    return {name: parts[name] for name in PARTS}


def cost(run: Run) -> dict[str, float]:
    """Processor seconds for a film: of each process, and of all but the senders."""
    each = {name: seconds / run.films for name, seconds in run.cpu.items()}
    return {**each, "all": sum(seconds for name, seconds in each.items() if name != "senders")}


def ratio(product: Run, storing: Run, bare: Mapping[str, float]) -> float:
    """Processor time of server and workers for a film, to the sum of its bare parts.

    Parameters
    ----------
    bare
        The bare model's ``cpu_seconds`` for an image.
    """
    return cost(product)["all"] / (cost(storing)["all"] + bare["cpu_seconds"])
