"""A number that Prometheus knows, held against limits: what prometheus-query asks of a member, or once of a gate."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from gatekeeper.findings import Evidence, Finding
from gatekeeper.kit.endpoint import Endpoint
from gatekeeper.kit.manifest import bounded, numbered, say
from gatekeeper.kit.promql import Sample, Vector, bounds_ages, fill_query, instant_query, parse_query
from gatekeeper.kit.templates import Template
from gatekeeper.model import Member
from gatekeeper.tools import Http
from gatekeeper.values import Duration

_NO_DATA: Final = {"passed": Finding.passed, "failed": Finding.failed, "inconclusive": Finding.inconclusive}


def _number(value: Any) -> Any:  # noqa: ANN401 - of a YAML of any shape
    if isinstance(value, bool | str):
        raise ValueError(f"{value!r:.40} is not a number")
    return value


Limit = Annotated[float, BeforeValidator(_number), Field(allow_inf_nan=False)]


class Measurement(Endpoint):
    """An instant query of Prometheus, and the limits that every sample of its answer must keep."""

    query: Annotated[Template, BeforeValidator(parse_query)]
    """The PromQL expression; its answer is an instant vector. Placeholders stand between quotes."""
    max: Limit | None = None
    """No sample is above this."""
    min: Limit | None = None
    """No sample is below this."""
    equals: Limit | None = None
    """Every sample is this."""
    no_data: Literal["inconclusive", "passed", "failed"] = "inconclusive"
    """What an empty answer, or one with NaN, means. An answer with warnings, a partial one and one that is no vector
    are no data either, and never pass.
    """
    max_age: Duration | None = None
    """Only samples that are at most so old count; without it, the server's own bound does (mostly ``5m``). It does not
    shorten a range such as ``[1h]``. The server must know ``lookback_delta``, else the check is inconclusive;
    ``time() - timestamp(metric)`` works with all.
    """
    title: str = Field(default="", max_length=80)
    """What is measured, in a few words for messages; without it, they show the query."""

    @model_validator(mode="after")
    def _a_limit(self) -> Self:
        given = [limit for limit in (self.max, self.min, self.equals) if limit is not None]
        if not given:
            raise ValueError("give max, min or equals; a number without a limit says nothing")
        if self.equals is not None and len(given) > 1:
            raise ValueError("equals stands alone; for a range, give min and max")
        if self.max is not None and self.min is not None and self.min > self.max:
            raise ValueError(f"no number is at least {self.min:g} and at most {self.max:g}")
        return self

    @field_validator("max_age")
    @classmethod
    def _some_time(cls, age: Duration | None) -> Duration | None:
        if age is not None and age.total_seconds() < 1:
            raise ValueError("no sample is younger than a second; give more")
        return age

    async def measure(self, http: Http, member: Member | None) -> Finding:
        """Ask, and judge the answer.

        Raises:
            CouldNotLook: there is no answer.
        """
        query = fill_query(self.query, member)
        if self.max_age is not None and not await bounds_ages(http, self, member):
            words = f"{self.base(member)} does not know lookback_delta, so samples may be older than maxAge"
            hint = "leave maxAge out, and limit time() - timestamp(metric) with a second query"
            return Finding.inconclusive(words, [Evidence("AgeUnknown", self._what(query), words, hint=hint)])
        return self.judge(
            await instant_query(http, self, member, query, self.max_age), query, self._hint(member, query)
        )

    def judge(self, vector: Vector, query: str, hint: str = "") -> Finding:
        """The answer to a query against the limits; pure. A sample beyond them fails, whatever else is in doubt."""
        what, limits, every = self._what(query), self._limits(), vector.samples
        beyond = [sample for sample in every if self._is_beyond(sample.value)]
        # Infinity that keeps the limits (no maximum is given) is the end of a division by zero, not a measurement.
        unclear = [sample for sample in every if not math.isfinite(sample.value) and sample not in beyond]
        if beyond:
            are = "is" if len(beyond) == 1 else "are"
            words = f"{len(beyond)} of {numbered(len(every), 'sample')} {are} not {limits} ({_span(beyond)})"
            facts = [Evidence("SampleBeyondLimit", _subject(each), f"{each.value:g}", limits, hint) for each in beyond]
            return Finding.failed(f"{what}: {words}", bounded(facts))
        if vector.remarks:
            verdict = Finding.failed if self.no_data == "failed" else Finding.inconclusive
            facts = [Evidence("AnswerInDoubt", what, remark, "an instant vector", hint) for remark in vector.remarks]
            return verdict(f"{what}: no data: {vector.remarks[0]}", bounded(facts))
        if unclear or not every:
            are = "is" if len(unclear) == 1 else "are"
            odd = f"{len(unclear)} of {numbered(len(every), 'sample')} {are} no number"
            words = odd if every else "the answer is empty"
            facts = [Evidence("NoData", _subject(each), f"{each.value:g}", limits, hint) for each in unclear]
            facts = facts or [Evidence("NoData", what, "no sample", limits, hint)]
            return _NO_DATA[self.no_data](f"{what}: no data: {words}", bounded(facts))
        numbers = "the sample is" if len(every) == 1 else f"all {len(every)} samples are"
        return Finding.passed(f"{what}: {numbers} {limits} ({_span(every)})")

    def _is_beyond(self, value: float) -> bool:
        return (
            (self.max is not None and value > self.max)
            or (self.min is not None and value < self.min)
            or (self.equals is not None and value != self.equals and not math.isnan(value))
        )

    def _limits(self) -> str:
        if self.equals is not None:
            return f"equal to {self.equals:g}"
        least = [] if self.min is None else [f"at least {self.min:g}"]
        return " and ".join([*least, *([] if self.max is None else [f"at most {self.max:g}"])])

    def _what(self, query: str) -> str:
        return say(self.title or query, 80)

    def _hint(self, member: Member | None, query: str) -> str:
        return f"promtool query instant {shlex.quote(self.base(member))} {shlex.quote(query)}"


def _subject(sample: Sample) -> str:
    return f"sample {sample}"


def _span(samples: Sequence[Sample]) -> str:
    values = [sample.value for sample in samples]
    low, high = min(values), max(values)
    return f"{low:g}" if low == high else f"from {low:g} to {high:g}"
