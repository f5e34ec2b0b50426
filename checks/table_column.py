"""A column of ``kubectl get`` says what it should, for every object of a kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Final, Literal, Self

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from gatekeeper.check import (
    NODES,
    BadAnswer,
    ClusterCheck,
    ClusterContext,
    Evidence,
    Finding,
    MissingColumn,
    NamedReads,
    Namespaces,
    Outcome,
    Regex,
    Resource,
    ResourceName,
    Table,
    Tolerance,
    bounded,
    cells,
    has_nodes,
    place_of,
    quantity,
    say,
    some,
)

NAMESPACES: Final = Resource("", "v1", "namespaces")


def _text(value: object) -> object:
    """YAML reads 3 and true as no text; a cell is compared as it is shown."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


def _number(value: object) -> Decimal:
    if isinstance(value, Decimal):
        return value
    try:
        return quantity(value, "the limit")
    except BadAnswer as error:
        raise ValueError(f"{error}; write it like 5, 0.5 or 10Gi") from None


Word = Annotated[str, BeforeValidator(_text)]
Number = Annotated[
    Decimal,
    BeforeValidator(_number),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string"}], "examples": [5, "10Gi"]}),
]


@dataclass(frozen=True, slots=True)
class _Odd:
    place: str
    shown: str
    why: str
    certain: bool


class TableColumn(ClusterCheck):
    """A column of ``kubectl get`` meets a condition in every row.

    The columns are those of ``kubectl get -o wide``, printed by the API server: for custom resources the printer
    columns of their definition. All conditions that are given must hold; texts are compared as they are shown, case
    included, and numbers as quantities (``3``, ``0.5``, ``10Gi``; ages such as ``5d`` are none). A cell that is empty,
    or no number where one is asked for, is unclear, unless ``equals`` or ``oneOf`` names the empty text. Rows that do
    not meet the conditions fail the check; unclear ones, a missing column, a list without rows and a cluster without
    nodes are inconclusive.

    It sees what a row shows, no more: a stale status looks well in a row. Where a kind has conditions, objects-healthy
    looks deeper.

    Example:
        - check: table-column
          resource: backups.velero.io/v1
          column: Status
          noneOf: [Failed, PartiallyFailed]
          namespaces:
            include: [velero]
        - check: table-column
          resource: horizontalpodautoscalers.autoscaling/v2
          column: Replicas
          moreThan: 0
          maxOther: 5%
    """

    name: ClassVar[str] = "table-column"
    claim: ClassVar[str] = "a column of kubectl get says what it should in every row"
    area: ClassVar[str] = "Any object"
    reads: ClassVar[tuple[Resource, ...]] = NamedReads(NAMESPACES, NODES)  # type: ignore[assignment]  # a tuple to who asks

    resource: ResourceName
    """The kind, as its plural, group and version: ``backups.velero.io/v1``, ``pods/v1``."""
    column: str = Field(min_length=1)
    """The column's name as the server writes it, such as ``Status``; kubectl shows it in capitals."""
    equals: Word | None = None
    """The cell is this text."""
    one_of: tuple[Word, ...] = Field(default=(), min_length=1)
    """The cell is one of these texts."""
    none_of: tuple[Word, ...] = Field(default=(), min_length=1)
    """The cell is none of these texts."""
    matches: Regex | None = None
    """The whole cell matches this regular expression (RE2)."""
    not_matches: Regex | None = None
    """The whole cell does not match this regular expression (RE2)."""
    less_than: Number | None = None
    """The cell is a number below this."""
    more_than: Number | None = None
    """The cell is a number above this."""
    namespaces: Namespaces = Namespaces()
    """Whose objects; those of all namespaces unless given. Not for kinds that have no namespace."""
    label_selector: str = ""
    """Only objects with these labels: ``app=web,tier in (gold,silver)``."""
    max_other: Tolerance = Tolerance(count=0)
    """So many rows may not meet the conditions: a count, or a percentage that is rounded down."""
    expect: Literal["some", "any"] = "some"
    """``some``: no row at all is inconclusive; ``any``: it is well."""

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        keys = ("equals", "one_of", "none_of", "matches", "not_matches", "less_than", "more_than")
        if all(getattr(self, key) in (None, ()) for key in keys):
            raise ValueError("give a condition: equals, oneOf, noneOf, matches, notMatches, lessThan or moreThan")
        return self

    async def run(self, ctx: ClusterContext) -> Finding:
        """Screen the rows; only where one is odd, read them again with their names."""
        total, odd = 0, list[_Odd]()
        try:
            for namespace, selector in await self.namespaces.queries(ctx.cluster):
                query: Mapping[str, Any] = {
                    "namespace": namespace,
                    "label_selector": self.label_selector,
                    "field_selector": selector,
                }
                table = await ctx.cluster.table(self.resource, **query)
                if any(self._judge(cell) for (cell,) in cells(table, self.column)):
                    table = await ctx.cluster.table(self.resource, **query, metadata=True)
                    odd += self._odd(table)
                total += len(table.rows)
        except MissingColumn as error:
            return Finding.inconclusive(str(error))
        finding = self._answer(total, odd)
        if finding.outcome is Outcome.PASSED and not await has_nodes(ctx.cluster):
            return Finding.inconclusive(f"{finding.message}, but the cluster has no nodes", finding.evidence)
        return finding

    def _odd(self, table: Table) -> Iterator[_Odd]:
        if len(table.metadata) != len(table.rows):
            raise BadAnswer(f"the table of {self.resource} has rows without names")
        for (cell,), metadata in zip(cells(table, self.column), table.metadata, strict=True):
            if fault := self._judge(cell):
                why, certain = fault
                yield _Odd(place_of({"metadata": metadata}), say(_shown(cell), 80), why, certain)

    def _judge(self, cell: object) -> tuple[str, bool] | None:
        """What is wrong with a cell, and whether that is certain; None if nothing is."""
        text = _shown(cell)
        wanted = {*self.one_of, *(() if self.equals is None else (self.equals,))}
        if not text and "" not in wanted:
            return "a value", False
        if self.equals is not None and text != self.equals:
            return self.equals, True
        if self.one_of and text not in self.one_of:
            return f"one of {some(self.one_of, 6)}", True
        return self._negative(text) or self._numeric(cell)

    def _negative(self, text: str) -> tuple[str, bool] | None:
        if text in self.none_of:
            return f"none of {some(self.none_of, 6)}", True
        if self.matches is not None and not self.matches.matches(text):
            return f"matches {self.matches}", True
        if self.not_matches is not None and self.not_matches.matches(text):
            return f"does not match {self.not_matches}", True
        return None

    def _numeric(self, cell: object) -> tuple[str, bool] | None:
        if self.less_than is None and self.more_than is None:
            return None
        try:
            number = quantity(cell, self.column)
        except BadAnswer:
            return "a number", False
        if self.less_than is not None and number >= self.less_than:
            return f"less than {self.less_than}", True
        if self.more_than is not None and number <= self.more_than:
            return f"more than {self.more_than}", True
        return None

    def _answer(self, total: int, odd: list[_Odd]) -> Finding:
        if not total:
            judge = Finding.passed if self.expect == "any" else Finding.inconclusive
            return judge(f"there are no {self.resource} here")
        if not odd:
            return Finding.passed(f"{self.column} of all {total} {self.resource} is as it should be")
        odd.sort(key=lambda each: not each.certain)
        bad, allowed = sum(each.certain for each in odd), self.max_other.of(total)
        evidence = bounded([self._evidence(each) for each in odd])
        unclear = f", unclear of {len(odd) - bad}" if len(odd) > bad else ""
        words = f"{self.column} of {bad} of {total} {self.resource} is not as it should be{unclear}, {allowed} allowed"
        if len(odd) <= allowed:
            return Finding.passed(words, evidence)
        judge = Finding.failed if bad > allowed else Finding.inconclusive
        few = some([f"{each.place} {each.shown or 'is empty'}" for each in odd])
        return judge(f"{words}: {few}", evidence)

    def _evidence(self, odd: _Odd) -> Evidence:
        namespace, _, name = odd.place.rpartition("/")
        hint = f"kubectl {f'-n {namespace} ' if namespace else ''}describe {self.resource} {name}"
        code = "ColumnDiffers" if odd.certain else "ColumnUnclear"
        return Evidence(code, f"{self.resource} {odd.place}", f"{self.column} is {odd.shown or 'empty'}", odd.why, hint)


def _shown(cell: object) -> str:
    """A cell as kubectl shows it; nothing is an empty text."""
    if isinstance(cell, Sequence | Mapping) and not isinstance(cell, str):
        raise BadAnswer("a cell of the server's table is no text and no number")
    return "" if cell is None else str(_text(cell))
