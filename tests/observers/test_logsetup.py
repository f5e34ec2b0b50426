"""How lines leave the process: JSON or for people, library lines too, and never a secret."""

from __future__ import annotations

import io
import json
import logging
import re
import sys
import warnings
from typing import Any

import pytest
import structlog

from gatekeeper.errors import ConfigError
from gatekeeper.observers.log import LogObserver, configure_logging

TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJnYXRla2VlcGVyIn0.c2lnbmF0dXJl-1234"


def gatekeeper_log() -> Any:
    return structlog.get_logger("gatekeeper.test")


def test_a_line_is_one_json_object(log: Any) -> None:
    gatekeeper_log().info("gate.held", gate="g1", pending_for=1.5, member=None)

    [event] = log.events
    assert list(event) == ["timestamp", "level", "event", "gate", "pending_for", "member"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", event.pop("timestamp"))
    assert event == {"level": "info", "event": "gate.held", "gate": "g1", "pending_for": 1.5, "member": None}


def test_what_the_sweep_bound_stands_on_every_line(log: Any) -> None:
    with structlog.contextvars.bound_contextvars(sweep="s1", gate="g1", policy="p1"):
        gatekeeper_log().warning("inside")
        logging.getLogger("azure.core").warning("inside too")
    gatekeeper_log().warning("outside")

    bound = [{key: event.get(key) for key in ("sweep", "gate", "policy")} for event in log.events]
    everything = {"sweep": "s1", "gate": "g1", "policy": "p1"}
    assert bound == [everything, everything, dict.fromkeys(everything)]


@pytest.mark.parametrize(
    "library", ["azure.core.pipeline", "kubernetes.client", "aiohttp.server", "apscheduler.executors"]
)
def test_libraries_speak_from_warning_on(log: Any, library: str) -> None:
    logging.getLogger(library).info("Request headers: %s", TOKEN)
    logging.getLogger(library).warning("retry of %s", "it")

    [event] = log.events
    assert (event["event"], event["level"]) == ("retry of it", "warning")


def test_the_level_is_that_of_our_own_lines(log: Any) -> None:
    log.configure("json", "warning")
    gatekeeper_log().info("quiet")
    gatekeeper_log().warning("loud")
    logging.getLogger("gatekeeper.other").info("quiet")

    assert [event["event"] for event in log.events] == ["loud"]


def test_a_level_above_warning_is_for_all(log: Any) -> None:
    log.configure("json", "error")
    logging.getLogger("azure").warning("quiet")
    gatekeeper_log().warning("quiet")

    assert log.text == ""


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"log\.level: 'chatty' is none of debug"):
        configure_logging("json", "chatty")


def test_no_token_is_in_any_line(log: Any) -> None:
    logger = gatekeeper_log()
    for format_ in ("json", "console"):
        log.configure(format_)
        with structlog.contextvars.bound_contextvars(session=f"Bearer {TOKEN}"):
            logger.info(TOKEN, headers={"Authorization": "Bearer opaque"}, nested=[{"x": (TOKEN,)}])
            logging.getLogger("azure").warning("Authorization: Bearer %s", TOKEN)
            logging.getLogger("azure").error("dict %(token)s", {"token": TOKEN})
            secret = TOKEN
            try:
                raise ValueError(f"cannot use {secret}")
            except ValueError:
                logger.exception("broke")
                logging.getLogger("aiohttp").exception("broke too")

        assert "eyJ" not in log.text
        assert "opaque" not in log.text
        assert TOKEN[30:60] not in log.text
        assert log.text.count("cannot use [redacted]") == 2
        assert log.text.count("[redacted]") >= 7


def test_a_traceback_is_one_field(log: Any) -> None:
    try:
        raise ValueError("no such thing")
    except ValueError:
        gatekeeper_log().exception("gate.broke")

    [event] = log.events
    assert event["exception"].startswith("Traceback (most recent call last):\n")
    assert event["exception"].endswith("ValueError: no such thing")


def test_a_value_of_any_type_is_written(log: Any) -> None:
    circle: list[Any] = []
    circle.append(circle)
    gatekeeper_log().info("odd", nan=float("inf"), thing=object, circle=circle, raw=b"\xff", half="\ud83d")

    [event] = log.events
    assert (event["nan"], event["raw"], event["half"]) == ("inf", "\ufffd", "")


def test_console_lines_are_for_people(log: Any, make: Any) -> None:
    log.configure("console")
    LogObserver().gate_decided("s1", make.hold())

    [line] = log.text.splitlines()
    assert "gate.held" in line
    assert "message='m1: 1 of 12 nodes is not Ready'" in line
    assert "policy_hash" not in line
    assert "\x1b" not in line


def test_a_cluster_cannot_paint_on_the_terminal(log: Any) -> None:
    log.configure("console", terminal=True)
    gatekeeper_log().info("gate.held", message="\x1b[2J\x1b]0;title\x07\r\nfake line")

    [line] = log.text.splitlines()
    assert "\x1b[2J" not in line
    assert "\x07" not in line


@pytest.mark.parametrize(("terminal", "is_json"), [(True, False), (False, True)])
def test_auto_looks_at_the_stream(log: Any, terminal: bool, is_json: bool) -> None:
    log.configure("auto", terminal=terminal)
    gatekeeper_log().info("hello")

    assert log.text.startswith("{") is is_json


def test_lines_go_to_stdout_by_default(log: Any, capsys: pytest.CaptureFixture[str]) -> None:
    del log  # it puts everything back afterwards
    configure_logging("json")
    gatekeeper_log().info("hello")

    assert json.loads(capsys.readouterr().out)["event"] == "hello"


def test_a_character_that_the_stream_lacks_costs_no_line(log: Any) -> None:
    del log
    raw = io.BytesIO()
    configure_logging("console", "info", io.TextIOWrapper(raw, encoding="ascii"))
    gatekeeper_log().info("hello", name="é日")

    assert b"hello" in raw.getvalue()


def test_a_line_that_cannot_be_written_shows_nothing_of_it(log: Any, capsys: pytest.CaptureFixture[str]) -> None:
    log.stream.close()
    gatekeeper_log().info("hello", value=TOKEN)
    logging.getLogger("azure").warning("hello %s", TOKEN)

    lost = "gatekeeper: a log line of {} could not be written\n"
    assert capsys.readouterr().err == lost.format("gatekeeper.test") + lost.format("azure")


def test_a_closed_stderr_is_survived(log: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    log.stream.close()
    monkeypatch.setattr(sys, "stderr", None)

    gatekeeper_log().info("hello")


def test_warnings_become_lines(log: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        configure_logging("json", "info", log.stream)  # anew, for catch_warnings put its own hook in place
        warnings.warn("old thing", UserWarning, stacklevel=1)
        logging.captureWarnings(False)

    assert "UserWarning: old thing" in log.events[0]["event"]
