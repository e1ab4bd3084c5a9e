"""The object store on the process backend, through the lake's own client."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import TypeVar

import psutil
import pytest

from harness.backends.platform import SupervisedPlatform
from pipeline.base.errors import NoSuchObject, ObjectStoreFailed, TableHeld
from pipeline.lake.lease import Lease
from pipeline.lake.objects import Objects
from tests.engines.service_platform import running, state_of

WRITERS = 6
Result = TypeVar("Result")


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SupervisedPlatform]:
    yield from running(tmp_path_factory.mktemp("store"), "object_store", {"node": (1, 128)})


@pytest.fixture(scope="module")
def objects(platform: SupervisedPlatform) -> Objects:
    objects = Objects(platform.endpoints.object_store)
    objects.create_bucket()
    return objects


def at_once(write: Callable[[int], Result]) -> list[Result]:
    """What each of several writers gets that start together."""
    together = Barrier(WRITERS)

    def one(number: int) -> Result:
        together.wait()
        return write(number)

    with ThreadPoolExecutor(WRITERS) as pool:
        return list(pool.map(one, range(WRITERS)))


def test_the_bucket_may_be_made_again(objects: Objects) -> None:
    objects.create_bucket()


def test_what_is_written_outlives_the_node(platform: SupervisedPlatform, objects: Objects) -> None:
    objects.put("kept/a", b"first")
    platform.signal("object_store-node-1", "kill")
    platform.start("object_store-node-1")
    assert state_of(platform, "object_store-node-1") == "ready"
    assert (objects.get("kept/a"), objects.size("kept/a")) == (b"first", 5)


def test_an_object_that_is_not_there_is_named(objects: Objects) -> None:
    for asked in (objects.get, objects.size):
        with pytest.raises(NoSuchObject, match="nowhere/a"):
            asked("nowhere/a")
    objects.delete("nowhere/a")


def test_a_copy_has_the_same_bytes(objects: Objects) -> None:
    objects.put("copied/from", b"some")
    objects.copy("copied/from", "copied/to")
    assert objects.get("copied/to") == b"some"


def test_of_many_who_write_a_new_object_at_once_exactly_one_does(objects: Objects) -> None:
    for attempt in range(20):
        wrote = at_once(lambda n, key=f"race/{attempt}": objects.put_if_absent(key, b"%d" % n))  # type: ignore[misc]
        assert wrote.count(True) == 1
        assert objects.get(f"race/{attempt}") == b"%d" % wrote.index(True)


def test_a_listing_of_many_pages_is_whole_and_in_order(objects: Objects) -> None:
    keys = [f"many/{n:04}" if n % 2 else f"many/a={n}/b" for n in range(1100)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda key: objects.put(key, b""), keys))
    assert objects.list("many/") == tuple(sorted(keys))
    assert objects.list("many/a=10") == tuple(sorted(key for key in keys if key.startswith("many/a=10")))


def test_a_table_has_one_holder(objects: Objects) -> None:
    def take(number: int) -> Lease | TableHeld:
        try:
            return Lease(objects, "silver/events", holder=f"writer {number}", ttl_s=60.0)
        except TableHeld as held:
            return held

    for _ in range(10):
        outcomes = at_once(take)
        (held,) = [outcome for outcome in outcomes if isinstance(outcome, Lease)]
        held.require()
        held.release()


def test_a_wrong_secret_is_refused(platform: SupervisedPlatform) -> None:
    wrong = replace(platform.endpoints.object_store, secret_key="guessed")  # noqa: S106
    with pytest.raises(ObjectStoreFailed, match="SignatureDoesNotMatch"):
        Objects(wrong).list("")


def test_no_secret_is_among_the_arguments_of_a_process(platform: SupervisedPlatform) -> None:
    (pid,) = [row.pid for row in platform.status()]
    secret = platform.endpoints.object_store.secret_key
    assert secret
    assert secret not in " ".join(psutil.Process(pid).cmdline())
    assert secret not in repr(platform.endpoints)
