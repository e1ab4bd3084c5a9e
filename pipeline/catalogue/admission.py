"""Decides whether a contract may be registered. Every catalogue calls this before it writes."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.base.errors import ContractError, IncompatibleContract
from pipeline.contract.compatibility import problems, successor
from pipeline.contract.derive import as_event_contract, rules, spark_columns
from pipeline.contract.odcs import DataContract
from pipeline.contract.quality_rules import quality_rules
from pipeline.contract.topics import EVENTS


def check(contract: DataContract) -> None:
    """Raise ContractError with every part of the contract that no engine or gate would enforce."""
    checks: list[Callable[[DataContract], object]] = [rules, spark_columns, quality_rules]
    if contract.name == EVENTS:
        checks.append(as_event_contract)
    found = dict.fromkeys(message for judge in checks if (message := _refusal(judge, contract)))
    if found:
        raise ContractError("; ".join(found))


def is_new(contract: DataContract, current: DataContract | None, same: DataContract | None) -> bool:
    """Return whether the contract has to be written. ``same`` is what is registered as this version, if any.

    Raises IncompatibleContract with every reason why it may not follow ``current``, the newest version.
    """
    if same == contract or current is None:
        return current is None
    found = [str(problem) for problem in problems(current, contract)]
    expected = successor(current.version)
    if not found and contract.version != expected:
        found = [f"version: was {current.version}, is {contract.version}; allowed: {expected}"]
    if found:
        raise IncompatibleContract(contract.name, current.version, contract.version, found)
    return True


def _refusal(judge: Callable[[DataContract], object], contract: DataContract) -> str:
    try:
        judge(contract)
    except ContractError as error:
        return str(error)
    return ""
