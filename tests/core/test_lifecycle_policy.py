"""The policy as data, the plan that follows from it, and the object store's own rules."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import botocore.session
import pytest
import yaml
from botocore.validate import ParamValidator
from hypothesis import given
from hypothesis import strategies as st

from pipeline.base.errors import PolicyRefused
from pipeline.base.options import HotOptions
from pipeline.lifecycle.plan import StoredObject, covered_day, plan, tier_of
from pipeline.lifecycle.policy import Policy
from pipeline.lifecycle.s3_rules import restore_object_parameters, s3_lifecycle_configuration
from tests.core.lifecycle_parts import FILE, NOW, OLD, POLICY, YOUNG

WRITTEN = json.loads(POLICY.model_dump_json())
DAYS = st.dates(date(2012, 1, 1), date(2014, 1, 1))
MOMENTS = st.datetimes(datetime(2012, 1, 1), datetime(2014, 1, 1), timezones=st.just(UTC))


def changed(**fields: object) -> str:
    """The policy with other values: ``tiers__hot__under_days=3``."""
    document: dict[str, Any] = deepcopy(WRITTEN)
    for name, value in fields.items():
        *path, last = name.split("__")
        part = document
        for step in path:
            part = part[step]
        part[last] = value
    return yaml.safe_dump(document)


def refused(text: str) -> tuple[str, ...]:
    with pytest.raises(PolicyRefused) as error:
        Policy.loads(text)
    return error.value.problems


def test_the_shipped_policy_agrees_with_the_hot_stores_time_to_live() -> None:
    assert POLICY.tiers.hot.under_days * 86_400 == HotOptions().ttl_s


def test_every_malformed_field_is_told_at_once() -> None:
    problems = refused(changed(tiers__hot__under_days="7d", restore__min_h=-1, covers=[], more=1))
    assert sorted(problem.partition(":")[0] for problem in problems) == [
        "covers",
        "more",
        "restore.min_h",
        "tiers.hot.under_days",
    ]
    assert "tiers.hot.under_days: found '7d'" in "".join(problems)


def test_every_rule_that_is_broken_is_told_at_once() -> None:
    covers = [*WRITTEN["covers"], {"prefix": "cold/more/", "moved": "object"}]
    problems = refused(
        changed(tiers__warm__under_days=7, restore__min_h=6, restore__prefix="bronze/events/", covers=covers)
    )
    assert [problem.partition(":")[0] for problem in problems] == [
        "tiers.warm.under_days",
        "restore.max_h",
        "restore.prefix",
        "covers[5].prefix",
    ]


@pytest.mark.parametrize("text", ["", "- 1", "{", "tiers: {}"])
def test_what_is_no_policy_is_refused(text: str) -> None:
    assert refused(text)


@pytest.mark.parametrize("prefix", ["bronze", "/bronze/", "../x/", "a//b/", "*/", ""])
def test_a_prefix_is_a_folder_of_the_lake(prefix: str) -> None:
    assert refused(changed(restore__prefix=prefix))


@pytest.mark.parametrize(
    ("after_end", "tier"),
    [
        (timedelta(days=-1), "hot"),
        (timedelta(days=7, microseconds=-1), "hot"),
        (timedelta(days=7), "warm"),
        (timedelta(days=90, microseconds=-1), "warm"),
        (timedelta(days=90), "cold"),
    ],
)
def test_a_tier_begins_with_its_age_from_the_days_end(after_end: timedelta, tier: str) -> None:
    end = datetime.combine(OLD, time.min, UTC) + timedelta(days=1)
    assert tier_of(POLICY, OLD, end + after_end) == tier


@pytest.mark.parametrize(
    ("key", "day"),
    [
        (FILE, OLD),
        (f"silver/events/event_date={OLD}/event_type=departed/part-0.parquet", OLD),
        ("silver/events/_delta_log/00000000000000000000.json", None),
        (f"gold/daily/event_date={OLD}/part-0.parquet", None),
        (f"landing/partners/acme/{OLD}", None),
        ("landing/partners/acme/2013-02-30/a.csv", None),
        (f"landing/partners/acme/{OLD}x/a.csv", None),
        (f"cold/data/1/{FILE}", None),
    ],
)
def test_only_what_the_policy_covers_and_has_a_day_is_ever_moved(key: str, day: date | None) -> None:
    found = covered_day(POLICY, key)
    assert (found and found[1]) == day


def test_a_tables_day_is_moved_in_one_piece_and_objects_one_by_one() -> None:
    keys = [
        *(f"bronze/events/event_date={OLD}/part-{n}.parquet" for n in (1, 0)),
        f"bronze/events/event_date={YOUNG}/part-0.parquet",
        *(f"landing/partners/acme/{OLD}/{name}" for name in ("b", "a")),
    ]
    moves = plan(POLICY, [StoredObject(key=key, bytes=1) for key in keys], NOW)
    assert [(move.name, move.table, [o.key for o in move.objects]) for move in moves] == [
        (f"bronze/events/{OLD}", "bronze/events", sorted(keys[:2])),
        (keys[4], None, [keys[4]]),
        (keys[3], None, [keys[3]]),
    ]


OBJECTS = st.builds(
    lambda covered, day, name: StoredObject(key=f"{covered.prefix}event_date={day}/{name}", bytes=1),
    st.sampled_from(POLICY.covers),
    DAYS,
    st.sampled_from("abc"),
)


@given(st.sets(OBJECTS), MOMENTS, st.randoms())
def test_a_plan_moves_each_object_that_is_old_enough_once_whatever_the_order(
    objects: set[StoredObject], now: datetime, chance: Any
) -> None:
    shuffled = list(objects)
    chance.shuffle(shuffled)
    moves = plan(POLICY, shuffled, now)
    moved = [stored for move in moves for stored in move.objects]
    cold = {
        stored for stored in objects if tier_of(POLICY, covered_day(POLICY, stored.key)[1], now) == "cold"
    }  # type: ignore[index]
    assert sorted(moved) == sorted(cold)
    assert moves == plan(POLICY, sorted(objects), now)


@given(DAYS, MOMENTS, st.timedeltas(timedelta(0), timedelta(days=400)))
def test_a_day_never_becomes_younger(day: date, now: datetime, later: timedelta) -> None:
    order = ["hot", "warm", "cold"]
    assert order.index(tier_of(POLICY, day, now)) <= order.index(tier_of(POLICY, day, now + later))


def accepted(operation: str, parameters: dict[str, Any]) -> str:
    """What botocore's model of the API has against these parameters."""
    model = botocore.session.get_session().get_service_model("s3")
    report = ParamValidator().validate(parameters, model.operation_model(operation).input_shape)
    return str(report.generate_report())


def test_aws_is_told_the_same_policy() -> None:
    rules = s3_lifecycle_configuration(POLICY)
    call = {"Bucket": "lake", "LifecycleConfiguration": rules}
    assert accepted("PutBucketLifecycleConfiguration", call) == ""
    moved = {rule["Filter"]["Prefix"]: rule.get("Transitions") for rule in rules["Rules"]}
    assert moved == {
        "cold/data/": [{"Days": 0, "StorageClass": "GLACIER"}],
        "landing/partners/": [{"Days": 91, "StorageClass": "GLACIER"}],
        "restored/": None,
    }


def test_no_rule_of_aws_touches_a_tables_own_files_or_the_archives_records() -> None:
    prefixes = [rule["Filter"]["Prefix"] for rule in s3_lifecycle_configuration(POLICY)["Rules"]]
    assert not any("silver/events/x".startswith(prefix) for prefix in prefixes)
    assert not any("cold/records/x".startswith(prefix) for prefix in prefixes)


def test_a_restore_on_aws_asks_for_the_retrieval_that_the_policy_models() -> None:
    call = restore_object_parameters(POLICY, bucket="lake", key=FILE)
    assert accepted("RestoreObject", call) == ""
    assert call["RestoreRequest"] == {"Days": 7, "GlacierJobParameters": {"Tier": "Standard"}}


def test_a_wrong_word_to_aws_would_be_seen() -> None:
    assert accepted("RestoreObject", {"Bucket": "lake", "Key": 1}) != ""
