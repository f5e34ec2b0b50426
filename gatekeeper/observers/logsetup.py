"""How log lines leave the process: one JSON object a line in a pod, readable lines on a terminal, never a secret.

Everything goes through the standard library's root logger, so that the lines of the client libraries (from WARNING
on) look the same and lose their secrets too.
"""

from __future__ import annotations

import contextlib
import io
import logging
import sys
from typing import Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from gatekeeper.errors import ConfigError
from gatekeeper.observers.text import clean_lines, without_secrets

LogFormat = Literal["auto", "json", "console"]
_MULTILINE = ("exception", "stack")
_FIRST = ("timestamp", "level", "event")
_TOO_LONG_FOR_PEOPLE = ("evidence", "evidence_more", "checks", "policy_hash", "first_seen", "sweep", "verdict")


def configure_logging(format: LogFormat = "auto", level: str = "info", stream: TextIO | None = None) -> None:  # noqa: A002 - the word of the settings
    """Set up all logging of this process; may be called again.

    Args:
        format: ``json``, ``console``, or ``auto``: console on a terminal, else JSON.
        level: the lowest level of Gatekeeper's own lines, in any case; libraries speak from ``warning`` on.
        stream: where lines go, by default stdout. A command whose stdout is a document gives stderr.

    Raises:
        ConfigError: there is no such level.
    """
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        raise ConfigError(f"log.level: {level!r} is none of debug, info, warning, error, critical")
    out = sys.stdout if stream is None else stream
    if isinstance(out, io.TextIOWrapper):
        out.reconfigure(errors="backslashreplace")  # a character that the terminal lacks must not cost the line
    on_terminal = format == "console" or (format == "auto" and out.isatty())
    handler = _Handler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_own_processors(),
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderers(on_terminal, out)],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(number, logging.WARNING), force=True)
    logging.getLogger("gatekeeper").setLevel(number)
    logging.captureWarnings(True)
    structlog.configure(
        processors=[*_own_processors(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def redact_event(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A processor: every value, at any depth, clean and without secrets."""
    multiline = {key: clean_lines(str(event.pop(key))) for key in _MULTILINE if key in event}
    return {key: without_secrets(value, key) for key, value in event.items()} | multiline


def _own_processors() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _renderers(on_terminal: bool, out: TextIO) -> list[Processor]:
    # Exceptions become text before anything is redacted: the traceback holds their messages. It shows no local
    # variables, as structlog's own console tracebacks do: those hold the tokens themselves.
    common: list[Processor] = [
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        redact_event,
    ]
    if on_terminal:
        return [*common, _for_people, structlog.dev.ConsoleRenderer(colors=out.isatty(), pad_event_to=18)]
    return [*common, _in_order, structlog.processors.JSONRenderer()]


def _in_order(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    first = {key: event.pop(key) for key in _FIRST if key in event}
    return {**first, **event}


def _for_people(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """What fits on a terminal: the message says it in words, the whole evidence stands in the JSON lines."""
    return {key: value for key, value in event.items() if key not in _TOO_LONG_FOR_PEOPLE and value is not None}


class _Handler(logging.StreamHandler[TextIO]):
    """Writes lines; a line that cannot be written is lost with a word, never shown as it was before redaction."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the standard library's name
        """Say that a line was lost; the standard library would print its arguments as they are."""
        with contextlib.suppress(OSError, ValueError, AttributeError):  # stderr may be closed, full or absent
            sys.stderr.write(f"gatekeeper: a log line of {record.name} could not be written\n")
