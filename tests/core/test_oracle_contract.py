"""The oracle's reading of the contract equals the pipeline's, and does not rest on it."""

from __future__ import annotations

from dataclasses import asdict
from importlib import resources

import pytest

from harness.load import contract_rules as of_plan
from harness.oracle.contract import contract_rules, rules_of
from harness.oracle.rejection import rejection
from pipeline.contract import derive
from pipeline.contract.odcs import DataContract

SHIPPED = (resources.files("pipeline.contract") / "event.odcs.yaml").read_bytes()
BROKEN = b'{"event_id":"e","event_type":"NOT A WORD","entity_id":"n","category":"c"}'


def test_both_readings_of_the_contract_are_the_same() -> None:
    assert [asdict(rule) for rule in contract_rules()] == [asdict(r) for r in of_plan.contract_rules()]


def test_a_rule_that_the_pipeline_loses_is_not_lost_to_the_oracle(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = derive.rules

    def without_patterns(contract: DataContract) -> tuple[dict[str, object], ...]:
        return tuple({k: v for k, v in rule.items() if k != "pattern"} for rule in kept(contract))

    monkeypatch.setattr(derive, "rules", without_patterns)
    monkeypatch.setattr(of_plan, "rules", without_patterns)
    for cached in (contract_rules, of_plan.contract_rules):
        cached.cache_clear()
    try:
        assert rejection(BROKEN, contract_rules()) == "pattern:event_type"
    finally:
        of_plan.contract_rules.cache_clear()


def test_the_reading_follows_the_contract() -> None:
    text = SHIPPED.replace(
        b"logicalTypeOptions: {minimum: 0}", b"logicalTypeOptions: {minimum: 5, maximum: 9}"
    )
    (quantity,) = [rule for rule in rules_of(text) if rule.name == "quantity"]
    assert (quantity.type, quantity.required, quantity.minimum, quantity.maximum) == ("long", False, 5, 9)


def test_a_limit_that_the_oracle_does_not_know_is_not_passed_over() -> None:
    text = SHIPPED.replace(b"logicalTypeOptions: {minimum: 0}", b"logicalTypeOptions: {multipleOf: 5}")
    with pytest.raises(KeyError, match="multipleOf"):
        rules_of(text)
