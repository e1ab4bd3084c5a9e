"""Which days have to be carried out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from pipeline.days.landing.land import LandedVersion
from pipeline.days.partners.listing import PartnerFile
from pipeline.days.tasks.lake_jobs import LAND
from pipeline.days.tasks.open_days import BronzeInputs, following, history, open_days, recorded
from pipeline.days.tasks.task import Landings, TaskRecord, TaskResult
from pipeline.days.tasks.task_records import Records
from tests.core.test_lake_graph import Memory

DAY = date(2013, 2, 9)
NEXT = DAY + timedelta(days=1)
days = st.integers(0, 3).map(lambda n: DAY + timedelta(days=n))
files = st.builds(
    lambda day, name, etag: PartnerFile(key=f"landing/partners/tower/{day}/{name}.csv", etag=etag),
    days,
    st.sampled_from("ab"),
    st.sampled_from("12"),
)
histories = st.lists(st.frozensets(days), max_size=6).map(
    lambda found: [LandedVersion(version=n, days=touched) for n, touched in enumerate(found)]
)
listings = st.lists(files, max_size=6, unique_by=lambda file: file.key)


def made_of(version: int, *dropped: PartnerFile) -> BronzeInputs:
    return BronzeInputs(landing_version=version, partner_files=frozenset(dropped))


def landed(version: int, *touched: date) -> LandedVersion:
    return LandedVersion(version=version, days=frozenset(touched))


def dropped(day: date, etag: str = "1") -> PartnerFile:
    return PartnerFile(key=f"landing/partners/tower/{day}/a.csv", etag=etag)


def carried_out(history: list[LandedVersion], listing: list[PartnerFile]) -> dict[date, BronzeInputs]:
    """Every open day is made of what there is now."""
    version = max((landed.version for landed in history), default=-1)
    return {
        day: made_of(version, *(file for file in listing if file.day == day))
        for day in open_days(history, {}, listing)
    }


def test_a_day_that_was_never_carried_out_is_open() -> None:
    assert open_days([landed(0, DAY)], {}, [dropped(NEXT)]) == {DAY, NEXT}


def test_a_later_record_reopens_its_day_alone() -> None:
    records = {DAY: made_of(3), NEXT: made_of(3)}
    assert open_days([landed(3, DAY, NEXT), landed(4, NEXT)], records, []) == {NEXT}


def test_a_file_that_is_dropped_again_reopens_its_day() -> None:
    assert open_days([], {DAY: made_of(0, dropped(DAY))}, [dropped(DAY, etag="2")]) == {DAY}


def test_a_file_that_is_gone_reopens_its_day() -> None:
    assert open_days([], {DAY: made_of(0, dropped(DAY))}, []) == {DAY}


@given(history=histories, listing=listings)
def test_no_day_is_open_once_all_are_carried_out(
    history: list[LandedVersion], listing: list[PartnerFile]
) -> None:
    assert open_days(history, carried_out(history, listing), listing) == frozenset()


@given(history=histories, listing=listings, late=st.frozensets(days), more=listings)
def test_exactly_the_days_to_which_something_came_are_open(
    history: list[LandedVersion], listing: list[PartnerFile], late: frozenset[date], more: list[PartnerFile]
) -> None:
    records = carried_out(history, listing)
    later = landed(len(history), *late)
    changed = {file.day for file in set(more) ^ set(listing)}
    assert open_days([*history, later], records, more) == late | changed


@given(landed=histories, late=histories, cut=st.integers(0, 6))
def test_what_was_recorded_of_landings_and_the_versions_behind_it_tell_what_the_whole_log_does(
    landed: list[LandedVersion], late: list[LandedVersion], cut: int
) -> None:
    whole = [*landed, *(replace(v, version=v.version + len(landed)) for v in late)]
    known = following(Landings(), whole[:cut])
    found = following(known, [v for v in whole if v.version > known.version])
    assert open_days(history(found), {}, []) == open_days(whole, {}, [])
    assert found == following(Landings(), whole)


def test_what_the_newest_landing_recorded_needs_no_log() -> None:
    records = Records(Memory())
    for landings in (Landings(version=3, days={DAY: 3}), Landings(version=9, days={DAY: 3, NEXT: 8})):
        result = TaskResult(outcome="promoted", landings=landings)
        moment = datetime(2013, 2, 10, tzinfo=UTC)
        records.add(
            TaskRecord(
                task=LAND, day=None, number=0, began_at=moment, ended_at=moment, cpu_s=0, result=result
            )
        )
    known = recorded(records, LAND)
    assert open_days(history(known), {DAY: made_of(3), NEXT: made_of(3)}, []) == {NEXT}
    assert recorded(Records(Memory()), LAND) == Landings()


@given(history_=histories, made=st.dictionaries(days, st.integers(-1, 6)))
def test_the_newest_version_of_each_day_opens_the_days_that_all_versions_do(
    history_: list[LandedVersion], made: dict[date, int]
) -> None:
    records = {day: made_of(version) for day, version in made.items()}
    newest = history(following(Landings(), history_))
    assert open_days(newest, records, []) == open_days(history_, records, [])


@given(listing=listings, version=st.integers(-1, 9))
def test_what_a_day_was_made_of_is_read_as_it_was_recorded(listing: list[PartnerFile], version: int) -> None:
    inputs = made_of(version, *listing)
    assert BronzeInputs.from_inputs(inputs.as_inputs()) == inputs
