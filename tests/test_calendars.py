"""Calendars: iCalendar events as spans of time, and what is refused rather than guessed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.errors import BadAnswer, CouldNotLook
from gatekeeper.kit.calendars import Spans, public_holidays, read_calendar
from gatekeeper.kit.occasions import Span

ZURICH = ZoneInfo("Europe/Zurich")
BEGIN = datetime(2026, 11, 20, tzinfo=UTC)
END = datetime(2026, 12, 31, tzinfo=UTC)


def calendar(*events: str) -> str:
    """An iCalendar file of events, each given by its own lines."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//"]
    for number, event in enumerate(events):
        own = [line.strip() for line in event.splitlines() if line.strip()]
        uid = [] if any(line.startswith("UID") for line in own) else [f"UID:{number}"]
        lines += ["BEGIN:VEVENT", *uid, "DTSTAMP:20260101T000000Z", *own, "END:VEVENT"]
    return "\r\n".join([*lines, "END:VCALENDAR", ""])


def read(tmp_path: Path, text: str, begin: datetime = BEGIN, end: datetime = END) -> list[tuple[str, str, str]]:
    file = tmp_path / "x.ics"
    file.write_text(text)
    return [_words(span) for span in read_calendar(file, ZURICH, begin, end)]


def _words(span: Span) -> tuple[str, str, str]:
    begin, end = (f"{moment:%m-%dT%H:%M}" for moment in (span.begin, span.end))
    return begin, end, span.name


def test_an_event_is_a_span_in_utc(tmp_path: Path) -> None:
    text = calendar(
        "DTSTART;TZID=America/New_York:20261123T090000\nDTEND;TZID=America/New_York:20261123T100000\nSUMMARY:a"
    )

    assert read(tmp_path, text) == [("11-23T14:00", "11-23T15:00", "a")]


def test_times_without_a_zone_and_whole_days_are_those_of_the_given_zone(tmp_path: Path) -> None:
    text = calendar(
        "DTSTART:20261123T090000\nDURATION:PT90M\nSUMMARY:a",
        "DTSTART;VALUE=DATE:20261124\nSUMMARY:b",
        "DTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20261227\nSUMMARY:c\nTRANSP:TRANSPARENT",
    )

    assert read(tmp_path, text) == [
        ("11-23T08:00", "11-23T09:30", "a"),
        ("11-23T23:00", "11-24T23:00", "b"),
        ("12-23T23:00", "12-26T23:00", "c"),
    ]


def test_events_recur_by_the_clock_on_the_wall(tmp_path: Path) -> None:
    text = calendar(
        "DTSTART;TZID=Europe/Zurich:20261019T220000\nDTEND;TZID=Europe/Zurich:20261020T040000\nRRULE:FREQ=WEEKLY;COUNT=2"
    )
    found = read(tmp_path, text, datetime(2026, 10, 1, tzinfo=UTC), END)

    # summer time ends on the 25th of October
    assert [(begin, end) for begin, end, _ in found] == [("10-19T20:00", "10-20T02:00"), ("10-26T21:00", "10-27T03:00")]


def test_a_series_ends_leaves_out_adds_and_moves(tmp_path: Path) -> None:
    series = """
        UID:s
        SUMMARY:weekly
        DTSTART:20260105T100000Z
        DTEND:20260105T110000Z
        RRULE:FREQ=WEEKLY;BYDAY=MO;UNTIL=20261214T100000Z
        EXDATE:20261130T100000Z
        RDATE:20261203T100000Z
    """
    moved = "UID:s\nSUMMARY:moved\nRECURRENCE-ID:20261207T100000Z\nDTSTART:20261208T120000Z\nDTEND:20261208T130000Z"
    off = "UID:s\nSTATUS:CANCELLED\nRECURRENCE-ID:20261214T100000Z\nDTSTART:20261214T100000Z\nDTEND:20261214T110000Z"

    found = read(tmp_path, calendar(series, moved, off))

    assert [(begin, name) for begin, _, name in found] == [
        ("11-23T10:00", "weekly"),
        ("12-03T10:00", "weekly"),
        ("12-08T12:00", "moved"),
    ]


def test_an_until_that_is_a_day_takes_that_day_in(tmp_path: Path) -> None:
    rule = "RRULE:FREQ=DAILY;UNTIL=20261122"
    found = read(tmp_path, calendar(f"DTSTART:20261120T100000Z\nDTEND:20261120T110000Z\n{rule}"))

    assert [begin for begin, _, _ in found] == ["11-20T10:00", "11-21T10:00", "11-22T10:00"]


def test_what_began_before_and_is_still_on_counts(tmp_path: Path) -> None:
    text = calendar("DTSTART;VALUE=DATE:20260101\nDTEND;VALUE=DATE:20270101\nSUMMARY:a long year")

    assert len(read(tmp_path, text)) == 1


def test_cancelled_events_and_other_times_are_left_out(tmp_path: Path) -> None:
    text = calendar(
        "DTSTART;VALUE=DATE:20261124\nSTATUS:CANCELLED",
        "DTSTART;VALUE=DATE:20261001",
        "DTSTART;VALUE=DATE:20270101",
    )

    assert read(tmp_path, text) == []


def test_a_rule_that_never_holds_comes_to_an_end(tmp_path: Path) -> None:
    assert (read(tmp_path, calendar("DTSTART;VALUE=DATE:20200101\nRRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"))) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "cannot be used"),
        ("hello", "cannot be used"),
        ("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nDTSTART:20261123T100000Z\r\n", "cannot be used"),
        ("BEGIN:VEVENT\r\nDTSTART:20261123T100000Z\r\nEND:VEVENT\r\n", "cannot be used"),
        (calendar("SUMMARY:x"), "DTSTART"),
        (calendar("DTSTART:soon"), "DTSTART"),
        (calendar("DTSTART:20261123T100000Z\nRRULE:FREQ=NEVER"), "RRULE that cannot be read"),
        (calendar("DTSTART:20261123T100000Z\nWORDS"), "has a line that cannot be read"),
        (
            calendar("DTSTART:20261123T100000Z\nRRULE:FREQ=DAILY;COUNT=3\nEXDATE;VALUE=DATE:20261124"),
            "leaves out 2026-11-24",
        ),
        (
            calendar("DTSTART;VALUE=DATE:20261123\nRRULE:FREQ=DAILY;COUNT=3\nEXDATE:20261124T100000Z"),
            "leaves out 2026-11-24 10:00",
        ),
        (calendar("DTSTART:20261123T100000Z\nRRULE:FREQ=DAILY\nEXRULE:FREQ=WEEKLY"), "by an EXRULE"),
        (calendar("DTSTART:20261123T100000Z\nRRULE:FREQ=SECONDLY"), "more often than once a day"),
        (calendar("DTSTART:20261123T100000Z\nRRULE:FREQ=DAILY;BYHOUR=1,2"), "more often than once a day"),
        (calendar("DTSTART:20261123T100000Z\nDTEND:20261123T090000Z"), "ends before it begins"),
        (calendar("DTSTART:20200101T000000Z\nDTEND:20261123T090000Z"), "lasts longer than 400 days"),
        (calendar("DTSTART;TZID=Moon/Base:20261123T100000"), "unknown time zone Moon/Base"),
        (calendar("DTSTART:20261123T100000Z\nRDATE;VALUE=PERIOD:20261124T100000Z/P3D"), "periods"),
        (
            calendar("RECURRENCE-ID;RANGE=THISANDFUTURE:20261123T100000Z\nDTSTART:20261123T110000Z"),
            "from one occurrence on",
        ),
        (calendar("DTSTART;VALUE=DATE:20260101") + "x" * (1 << 20), "larger than"),
    ],
)
def test_what_is_not_understood_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(BadAnswer, match=said):
        read(tmp_path, text)


def test_a_missing_file_could_not_be_looked_at(tmp_path: Path) -> None:
    with pytest.raises(CouldNotLook, match=r"none\.ics cannot be read"):
        read_calendar(tmp_path / "none.ics", ZURICH, BEGIN, END)


def test_more_events_than_anybody_reads_are_refused(tmp_path: Path) -> None:
    many = calendar(*["DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=DAILY"] * 30)

    with pytest.raises(BadAnswer, match="more than 10,000 events"):
        read(tmp_path, many, BEGIN, BEGIN + timedelta(days=400))


minutes = st.integers(0, 300).map(lambda minute: BEGIN + timedelta(minutes=minute))
spans = st.lists(st.tuples(minutes, st.integers(0, 60)), max_size=8)


@given(spans, minutes)
def test_spans_find_what_holds_a_moment(pairs: list[tuple[datetime, int]], moment: datetime) -> None:
    all_spans = [Span(begin, begin + timedelta(minutes=length), "x") for begin, length in pairs]
    found = Spans(all_spans)

    assert (found.at(moment) is not None) == any(span.begin <= moment < span.end for span in all_spans)
    later = [turn for span in all_spans for turn in (span.begin, span.end) if moment <= turn]
    assert set(found.turns(moment, BEGIN + timedelta(days=9))) <= set(later)


def test_public_holidays_are_those_of_country_and_subdivision() -> None:
    zurich = public_holidays("CH", "ZH", [2026])

    assert zurich[date(2026, 12, 25)] == "Christmas Day"
    assert date(2026, 5, 1) in zurich
    assert date(2026, 5, 1) not in public_holidays("CH", None, [2026])


def test_public_holidays_have_the_same_names_whatever_language_the_daemon_is_started_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LANGUAGE", "de")

    assert public_holidays("CH", "ZH", [2026])[date(2026, 12, 25)] == "Christmas Day"


@pytest.mark.parametrize(("country", "subdivision"), [("XX", None), ("CH", "QQ")])
def test_an_unknown_country_is_refused(country: str, subdivision: str | None) -> None:
    with pytest.raises(ValueError, match=r"XX|QQ"):
        public_holidays(country, subdivision, [2026])
