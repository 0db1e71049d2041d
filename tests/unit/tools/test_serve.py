import os
import socket

import pytest

from tools.serve import ServeError, announcement, check_port, stop_event


def test_a_taken_port_is_named_with_the_variable_that_chooses_another() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ServeError, match=rf"{port}.*HTTP_PORT"):
            check_port(port, "HTTP", "HTTP_PORT")
    check_port(port, "HTTP", "HTTP_PORT")


def test_the_end_of_the_caller_stops_the_server() -> None:
    reading, writing = os.pipe()
    stop = stop_event(reading)
    assert not stop.wait(0.05)
    os.close(writing)
    assert stop.wait(5)


def test_one_line_has_the_addresses_and_says_what_the_demonstration_is() -> None:
    configuration = {"HttpPort": 1, "DicomPort": 2, "DicomAet": "READER", "AI": {"Model": "phantom"}}
    line = announcement(configuration, "/somewhere")
    assert "\n" not in line
    for words in (
        "http://127.0.0.1:1/ai/",
        "http://127.0.0.1:1/ohif/",
        "READER@127.0.0.1:2",
        "not for diagnosis",
        "/somewhere",
    ):
        assert words in line
