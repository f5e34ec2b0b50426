"""Texts of a policy with a place for the member that is asked about: ``{member}``, ``{cluster}`` and ``{label.tier}``.

A value is put in only if it is a plain word, so that it means the same in a URL, a header, a query and a label matcher.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from gatekeeper.errors import CouldNotLook
from gatekeeper.model import Member

_MAX_TEXT: Final = 8_192
# A word alone between braces; the braces of PromQL and of JSON hold more than a word.
_PLACEHOLDER: Final = re.compile(r"\{\s*([A-Za-z_][A-Za-z0-9_./-]*)\s*\}")
_KNOWN: Final = re.compile(r"member|cluster|label\.[A-Za-z0-9](?:[A-Za-z0-9_./-]{0,315}[A-Za-z0-9])?")
# The values of Azure's names and of Kubernetes' labels; never empty: cluster="" would ask of everything else.
_VALUE: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class Template:
    """A text in which ``{member}`` is the member's name in the fleet, ``{cluster}`` the name of its AKS cluster, and
    ``{label.KEY}`` the value of one of its labels in the fleet. All other braces are what they are.
    """

    text: str

    @classmethod
    def parse(cls, text: object) -> Template:
        """Read a text.

        Raises:
            ValueError: it is empty or too long, or has a placeholder that is not known.
        """
        if isinstance(text, Template):
            return text
        if not isinstance(text, str) or not text.strip() or len(text) > _MAX_TEXT:
            raise ValueError(f"give a text of at most {_MAX_TEXT} characters")
        for found in _PLACEHOLDER.finditer(text):
            if not _KNOWN.fullmatch(found[1]):
                raise ValueError(f"unknown placeholder {found[0]}; there are {{member}}, {{cluster}} and {{label.KEY}}")
        return cls(text)

    @property
    def placeholders(self) -> tuple[str, ...]:
        """The words between the braces, in their order."""
        return tuple(_PLACEHOLDER.findall(self.text))

    @property
    def without_placeholders(self) -> str:
        """The text around them."""
        return _PLACEHOLDER.sub("", self.text)

    def fill(self, member: Member | None, escape: Callable[[str], str] = str) -> str:
        """The text for a member.

        Args:
            member: whose; None where no member is asked about, so that no placeholder can be filled.
            escape: what is done to each value before it is put in.

        Raises:
            CouldNotLook: the member has no such label, or a value is not a plain word.
        """
        return _PLACEHOLDER.sub(lambda found: escape(_value(found[1], member)), self.text)

    def __str__(self) -> str:
        return self.text

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401 - pydantic's own signature
        return core_schema.no_info_plain_validator_function(cls.parse, serialization=core_schema.to_string_ser_schema())

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "minLength": 1, "maxLength": _MAX_TEXT}


def wants_labels(text: str) -> bool:
    """Whether a label of the member is asked for in a text, such as all parameters of a check in one."""
    return any(word.startswith("label.") for word in Template(text).placeholders)


def _value(word: str, member: Member | None) -> str:
    if member is None:
        raise CouldNotLook(f"{{{word}}} stands for a member, and no member is asked about here")
    kind, _, key = word.partition(".")
    match kind:
        case "member":
            value = member.name
        case "cluster":
            value = member.cluster_resource_id.rpartition("/")[2]
        case _:
            value = member.labels.get(key, "")
    if not _VALUE.fullmatch(value):
        # Something like .* in a label would ask about other clusters than this one.
        state = f"is {value!r:.60}, which is no plain word" if value else "is not known"
        raise CouldNotLook(f"{{{word}}} of member {member.name} {state}; see the labels of the fleet's member")
    return value
