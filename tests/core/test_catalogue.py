"""Catalogues of contracts, and what they admit."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from pipeline.base.errors import ContractError, IncompatibleContract, NoSuchContract, NotReady
from pipeline.catalogue.catalogue import Catalogue, current_event_contract, first_event_contract
from pipeline.catalogue.lake_catalogue import LakeCatalogue
from pipeline.contract.derive import event_contract, reference_contract
from pipeline.contract.odcs import DataContract, dumps
from tests.core.contract_parts import adding, events, removing, setting
from tests.core.memory_catalogue import MemoryCatalogue

FIRST = events("1.1.0")
SECOND = events("1.2.0", adding("weight"))


class Objects:
    """An object store in a dictionary. ``before_put`` is what happens between a look and a write."""

    def __init__(self) -> None:
        self.there: dict[str, bytes] = {}
        self.before_put: Callable[[], None] = lambda: None

    def get(self, key: str) -> bytes:
        return self.there[key]

    def put_if_absent(self, key: str, body: bytes) -> bool:
        happening, self.before_put = self.before_put, lambda: None
        happening()
        return self.there.setdefault(key, body) is body

    def list(self, prefix: str) -> Iterable[str]:
        return [key for key in self.there if key.startswith(prefix)]


@pytest.fixture
def objects() -> Objects:
    return Objects()


@pytest.fixture(params=["memory", "lake"])
def catalogue(request: pytest.FixtureRequest, objects: Objects) -> Catalogue:
    return MemoryCatalogue() if request.param == "memory" else LakeCatalogue(objects)


def test_an_empty_catalogue_has_no_version(catalogue: Catalogue) -> None:
    assert catalogue.versions("events") == ()
    with pytest.raises(NoSuchContract, match="events is not registered; there is no version of it"):
        catalogue.current("events")


def test_the_newest_version_is_current_and_the_others_stay(catalogue: Catalogue) -> None:
    catalogue.register(FIRST)
    catalogue.register(SECOND)
    assert catalogue.versions("events") == ("1.1.0", "1.2.0")
    assert (catalogue.current("events"), catalogue.version("events", "1.1.0")) == (SECOND, FIRST)


def test_a_version_that_is_not_there_is_told_with_those_that_are(catalogue: Catalogue) -> None:
    catalogue.register(FIRST)
    with pytest.raises(NoSuchContract, match=r"events 7\.0\.0 is not registered; there is 1\.1\.0"):
        catalogue.version("events", "7.0.0")


def test_versions_are_in_the_order_of_their_numbers(catalogue: Catalogue) -> None:
    versions = [f"1.{minor}.0" for minor in range(8, 12)]
    for version in versions:
        catalogue.register(events(version))
    assert list(catalogue.versions("events")) == versions
    assert catalogue.current("events").version == "1.11.0"


def test_what_is_registered_may_be_registered_again(catalogue: Catalogue) -> None:
    for contract in (FIRST, SECOND, FIRST, SECOND):
        catalogue.register(contract)
    assert catalogue.current("events") == SECOND


def test_contracts_of_several_names_do_not_meet(catalogue: Catalogue) -> None:
    for contract in (FIRST, reference_contract("categories"), reference_contract("assets")):
        catalogue.register(contract)
    assert [catalogue.versions(name) for name in ("events", "categories", "assets")] == [
        ("1.1.0",),
        ("1.0.0",),
        ("1.0.0",),
    ]


def test_what_may_not_follow_is_refused_with_every_problem_and_nothing_is_written(
    catalogue: Catalogue, objects: Objects
) -> None:
    catalogue.register(FIRST)
    before = dict(objects.there)
    with pytest.raises(IncompatibleContract) as refused:
        catalogue.register(events("1.2.0", removing("value"), setting("quantity", required=True)))
    assert [problem.split(":")[0] for problem in refused.value.problems] == ["value", "quantity"]
    assert "events 1.2.0 may not follow 1.1.0: value: removed: was double" in str(refused.value)
    assert (catalogue.versions("events"), objects.there) == (("1.1.0",), before)


@pytest.mark.parametrize("version", ["1.1.0", "1.3.0", "1.2.1", "2.0.0"])
def test_a_version_has_one_successor(catalogue: Catalogue, version: str) -> None:
    catalogue.register(FIRST)
    with pytest.raises(IncompatibleContract, match=r"allowed: 1\.2\.0"):
        catalogue.register(events(version, adding("weight")))


def test_a_version_that_is_not_the_newest_is_not_changed(catalogue: Catalogue) -> None:
    catalogue.register(FIRST)
    catalogue.register(SECOND)
    with pytest.raises(IncompatibleContract, match=r"version: was 1\.2\.0, is 1\.1\.0"):
        catalogue.register(events("1.1.0", adding("weight"), adding("height")))


@pytest.mark.parametrize(
    ("contract", "told"),
    [
        (events("1.1.0", setting("value", physicalType="decimal")), "no engine has a type"),
        (events("1.1.0", setting("value", partitioned=True)), "exactly one property is the record's key"),
        (events("1.1.0", setting("category", relationships=[])), "category_known"),
    ],
)
def test_what_nothing_would_enforce_is_refused(
    catalogue: Catalogue, contract: DataContract, told: str
) -> None:
    with pytest.raises(ContractError, match=told):
        catalogue.register(contract)
    assert catalogue.versions("events") == ()


def test_the_shipped_contract_is_registered_on_first_use(catalogue: Catalogue) -> None:
    assert current_event_contract(catalogue) == event_contract()
    assert catalogue.versions("events") == (event_contract().version,)


def test_a_field_that_was_added_is_known_at_the_next_task(catalogue: Catalogue) -> None:
    current_event_contract(catalogue)
    catalogue.register(SECOND)
    assert "weight" in [field.name for field in current_event_contract(catalogue).properties]
    assert first_event_contract(catalogue) == event_contract()


def test_of_two_who_register_at_once_the_second_is_judged_by_what_came_first(objects: Objects) -> None:
    catalogue = LakeCatalogue(objects)
    catalogue.register(FIRST)
    objects.before_put = lambda: catalogue.register(SECOND)
    with pytest.raises(IncompatibleContract, match="weight: removed"):
        catalogue.register(events("1.2.0", adding("height")))
    assert catalogue.current("events") == SECOND


def test_two_who_register_the_same_at_once_both_have(objects: Objects) -> None:
    catalogue = LakeCatalogue(objects)
    objects.before_put = lambda: catalogue.register(FIRST)
    catalogue.register(FIRST)
    assert catalogue.versions("events") == ("1.1.0",)


def test_a_version_that_is_taken_and_not_listed_is_worth_another_try(objects: Objects) -> None:
    objects.put_if_absent = lambda key, body: False  # type: ignore[method-assign]
    with pytest.raises(NotReady, match=r"catalogue/events/1\.1\.0\.odcs\.yaml was taken"):
        LakeCatalogue(objects).register(FIRST)


@pytest.mark.parametrize("body", [dumps(SECOND).encode(), b"\xff", b"a: [", b"{}"])
def test_an_object_that_is_not_the_version_it_is_named_for_is_refused(objects: Objects, body: bytes) -> None:
    objects.there["catalogue/events/1.1.0.odcs.yaml"] = body
    with pytest.raises(ContractError, match=r"catalogue/events/1\.1\.0\.odcs\.yaml: "):
        LakeCatalogue(objects).current("events")


def test_other_objects_of_the_folder_are_no_versions(objects: Objects) -> None:
    objects.there["catalogue/events/notes.txt"] = b""
    objects.there["catalogue/events/1.0.0.odcs.yaml.bak"] = b""
    assert LakeCatalogue(objects).versions("events") == ()
