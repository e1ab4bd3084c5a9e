"""What Great Expectations makes of a contract's rules. It is imported once, which takes seconds."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.contract.derive import event_contract
from pipeline.contract.quality import Limits, NullShare
from pipeline.quality.expectations import expectation, judge
from pipeline.quality.table_rules import rules_of

RULES = rules_of("silver/events", event_contract())
ENDS = st.none() | st.integers(-5, 5).map(float)


def rule(limits: Limits) -> NullShare:
    return NullShare(
        id="n", severity="error", dimension="completeness", description="d", limits=limits, field="f"
    )


@settings(max_examples=15, deadline=None)
@given(low=ENDS, high=ENDS, inclusive=st.booleans(), measured=st.integers(-6, 6).map(float))
def test_great_expectations_holds_what_the_limits_hold(
    low: float | None, high: float | None, inclusive: bool, measured: float
) -> None:
    if (low is None and high is None) or (low is not None and high is not None and low > high):
        return
    limits = Limits(low=low, high=high, inclusive=inclusive)
    assert judge([rule(limits)], {"n": measured})["n"].success is limits.hold(measured)


def test_every_rule_of_the_contract_is_an_expectation_with_its_severity_and_reason() -> None:
    for given_rule in RULES:
        made = expectation(given_rule)
        assert made.description == given_rule.description
        assert made.severity.value == ("critical" if given_rule.severity == "error" else "warning")


def test_only_what_was_measured_is_judged() -> None:
    assert set(judge(RULES, {"volume": 100.0})) == {"volume"}
    assert judge(RULES, {}) == {}


@pytest.mark.parametrize("nothing", [float("nan"), float("inf")])
def test_what_is_no_number_is_never_within_limits(nothing: float) -> None:
    found = judge([rule(Limits(low=0, high=9))], {"n": nothing})["n"]
    assert not found.success


def test_judging_asks_no_network_and_writes_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert judge(RULES, {"volume": 100.0})["volume"].success
    assert os.listdir(tmp_path) == []
