"""What is urgent overtakes a backlog: STAT studies, and chosen senders."""

from collections.abc import Callable

from orthanc_ai.outcomes import XRAY_METADATA
from phantom.dicom import chest_dx

from .orthanc import Orthanc

BACKLOG = 36


def test_urgent_films_overtake_a_backlog(make_server: Callable[..., Orthanc]) -> None:
    orthanc = make_server({"Workers": 1, "Priority": {"RemoteAET": ["STORESCU"]}}).start()
    films = [chest_dx(seed, 1024, 1024) for seed in range(BACKLOG)]
    stat, sent = chest_dx(100, 512, 512), chest_dx(101, 512, 512)
    stat.RequestedProcedurePriority = "STAT"
    orthanc.upload(films)
    [last] = orthanc.upload([stat])
    assert orthanc.send([sent], calling_aet="STORESCU") == [0]
    [study] = orthanc.find("Instance", {"SOPInstanceUID": str(sent.SOPInstanceUID)})
    for urgent in (last, study["ID"]):
        orthanc.wait_until(
            lambda urgent=urgent: orthanc.outcome("instances", urgent, XRAY_METADATA) is not None,  # type: ignore[misc]
            "it is not read",
        )
    overtaken = BACKLOG + 2 - len(orthanc.reports())
    assert overtaken > BACKLOG / 2, overtaken
    orthanc.wait_idle()
    assert len(orthanc.reports()) == BACKLOG + 2
