"""The catalogue in AWS Glue, against botocore's model of the service. Nothing here speaks to AWS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.stub import ANY, Stubber

from pipeline.base.errors import ContractError, IncompatibleContract, NoSuchContract, NotReady
from pipeline.catalogue.glue_catalogue import GlueCatalogue
from pipeline.contract.odcs import DataContract, dumps
from tests.core.contract_parts import adding, events, removing

FIRST = events("1.1.0")
SECOND = events("1.2.0", adding("weight"))
COLUMNS = [
    *({"Name": name, "Type": "string"} for name in ("event_id", "event_type", "entity_id", "category")),
    *({"Name": "reference_id", "Type": "string"}, {"Name": "value", "Type": "double"}),
    *({"Name": "quantity", "Type": "bigint"}, {"Name": "attributes", "Type": "map<string,string>"}),
    {"Name": "event_time", "Type": "timestamp"},
]
TABLE = {"DatabaseName": "contracts", "TableName": "events"}


@pytest.fixture(scope="module")
def client() -> Any:
    return boto3.client("glue", region_name="eu-west-1", config=Config(signature_version=UNSIGNED))


@pytest.fixture
def stub(client: Any) -> Iterator[Stubber]:
    with Stubber(client) as stub:
        yield stub
        stub.assert_no_pending_responses()


@pytest.fixture
def catalogue(client: Any) -> GlueCatalogue:
    return GlueCatalogue(client, "contracts")


def has(stub: Stubber, *contracts: DataContract) -> None:
    """What the service answers when asked for the versions; newest first, as it does."""
    found = [
        {
            "Table": {"Name": "events", "Parameters": {"floodmark.contract": dumps(contract)}},
            "VersionId": str(number),
        }
        for number, contract in enumerate(contracts)
    ]
    stub.add_response("get_table_versions", {"TableVersions": found[::-1]}, TABLE)


def has_none(stub: Stubber) -> None:
    stub.add_client_error("get_table_versions", "EntityNotFoundException")


def test_a_contract_that_is_not_registered_is_told(stub: Stubber, catalogue: GlueCatalogue) -> None:
    has_none(stub)
    with pytest.raises(NoSuchContract):
        catalogue.current("events")


def test_versions_are_read_oldest_first(stub: Stubber, catalogue: GlueCatalogue) -> None:
    has(stub, FIRST, SECOND)
    has(stub, FIRST, SECOND)
    has(stub, FIRST, SECOND)
    assert catalogue.versions("events") == ("1.1.0", "1.2.0")
    assert (catalogue.current("events"), catalogue.version("events", "1.1.0")) == (SECOND, FIRST)


def test_the_first_version_makes_the_table_with_its_columns(stub: Stubber, catalogue: GlueCatalogue) -> None:
    has_none(stub)
    made = {
        "Name": "events",
        "StorageDescriptor": {"Columns": COLUMNS},
        "Parameters": {"floodmark.contract": dumps(FIRST)},
    }
    stub.add_response("create_table", {}, {"DatabaseName": "contracts", "TableInput": made})
    catalogue.register(FIRST)


def test_a_later_version_is_written_from_the_one_that_was_read(
    stub: Stubber, catalogue: GlueCatalogue
) -> None:
    has(stub, FIRST)
    wanted = {"DatabaseName": "contracts", "TableInput": ANY, "VersionId": "0", "SkipArchive": False}
    stub.add_response("update_table", {}, wanted)
    catalogue.register(SECOND)


def test_what_may_not_follow_is_never_written(stub: Stubber, catalogue: GlueCatalogue) -> None:
    has(stub, FIRST)
    with pytest.raises(IncompatibleContract, match="value: removed"):
        catalogue.register(events("1.2.0", removing("value")))


def test_what_is_registered_is_not_written_again(stub: Stubber, catalogue: GlueCatalogue) -> None:
    has(stub, FIRST)
    catalogue.register(FIRST)


def test_who_comes_second_is_judged_by_what_came_first(stub: Stubber, catalogue: GlueCatalogue) -> None:
    has(stub, FIRST)
    stub.add_client_error("update_table", "ConcurrentModificationException")
    has(stub, FIRST, SECOND)
    with pytest.raises(IncompatibleContract, match="weight: removed"):
        catalogue.register(events("1.2.0", adding("height")))


def test_a_table_that_was_changed_otherwise_is_worth_another_try(
    stub: Stubber, catalogue: GlueCatalogue
) -> None:
    has(stub, FIRST)
    stub.add_client_error("update_table", "ConcurrentModificationException")
    has(stub, FIRST)
    with pytest.raises(NotReady, match=r"contracts\.events was changed at the same time"):
        catalogue.register(SECOND)


def test_a_table_that_holds_no_contract_is_left_alone(stub: Stubber, catalogue: GlueCatalogue) -> None:
    found = {"TableVersions": [{"Table": {"Name": "events"}, "VersionId": "3"}]}
    stub.add_response("get_table_versions", found, TABLE)
    with pytest.raises(ContractError, match="holds no contract"):
        catalogue.register(FIRST)
