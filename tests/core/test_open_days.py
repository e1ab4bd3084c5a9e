"""Which days have to be carried out."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from pipeline.batch.landing import LandedVersion
from pipeline.batch.open_days import BronzeInputs, open_days
from pipeline.batch.partners.listing import PartnerFile

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


@given(listing=listings, version=st.integers(-1, 9))
def test_what_a_day_was_made_of_is_read_as_it_was_recorded(listing: list[PartnerFile], version: int) -> None:
    inputs = made_of(version, *listing)
    assert BronzeInputs.from_inputs(inputs.as_inputs()) == inputs
