"""Leases: one writer a table, whoever dies or sleeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.base.errors import LeaseLost, ObjectStoreFailed, TableHeld
from pipeline.lake.lease import Lease, lease, take
from tests.core.memory_objects import MemoryObjects

TABLE = "silver/events"
TTL_S = 20.0


@dataclass
class Clock:
    at_s: float = 1_700_000_000.0

    def __call__(self) -> float:
        return self.at_s


@dataclass
class Bench:
    """A table, and writers that want it."""

    objects: MemoryObjects = field(default_factory=MemoryObjects)
    clock: Clock = field(default_factory=Clock)

    def take(self, holder: str) -> Lease:
        return Lease(self.objects, TABLE, holder=holder, ttl_s=TTL_S, now=self.clock)


class Interrupted(MemoryObjects):
    """Lets something happen just before the next conditional write."""

    def __init__(self) -> None:
        super().__init__()
        self.before: Callable[[], None] | None = None

    def put_if_absent(self, key: str, body: bytes) -> bool:
        happening, self.before = self.before, None
        if happening is not None:
            happening()
        return super().put_if_absent(key, body)


def test_a_held_table_names_its_holder_and_since_when() -> None:
    bench = Bench()
    bench.take("first")
    bench.clock.at_s += 5
    with pytest.raises(TableHeld, match=r"held by first since 2023-11-14 22:13:20 UTC.*after 22:13:40 UTC"):
        bench.take("second")


def test_a_released_table_is_free_at_once() -> None:
    bench = Bench()
    bench.take("first").release()
    bench.take("second").require()


def test_the_lease_of_a_dead_holder_is_taken_over_when_it_ends() -> None:
    bench = Bench()
    bench.take("dead")
    bench.clock.at_s += TTL_S
    bench.take("second").require()


def test_a_renewed_lease_lasts_longer() -> None:
    bench = Bench()
    first = bench.take("first")
    bench.clock.at_s += TTL_S - 1
    first.renew()
    bench.clock.at_s += TTL_S - 1
    first.require()
    with pytest.raises(TableHeld):
        bench.take("second")


def test_a_holder_that_slept_past_its_end_has_lost_the_lease_before_anyone_took_it() -> None:
    bench = Bench()
    first = bench.take("first")
    bench.clock.at_s += TTL_S
    for late in (first.require, first.renew):
        with pytest.raises(LeaseLost, match=r"silver/events ran out 0\.0 s ago"):
            late()


def test_a_holder_whose_lease_was_taken_over_neither_renews_nor_releases_it() -> None:
    bench = Bench()
    first = bench.take("first")
    bench.clock.at_s += TTL_S
    second = bench.take("second")
    bench.clock.at_s -= 1  # the first one's clock is behind
    with pytest.raises(LeaseLost, match="taken over"):
        first.renew()
    first.release()
    second.require()


def test_a_slow_writer_that_writes_a_number_again_learns_who_holds_the_table() -> None:
    objects = Interrupted()
    bench = Bench(objects)
    bench.take("earlier").release()

    def overtaken() -> None:
        bench.take("second").release()
        bench.take("third")

    objects.before = overtaken
    with pytest.raises(TableHeld, match="third"):
        bench.take("slow")


def test_a_write_whose_answer_was_lost_counts() -> None:
    class Lossy(MemoryObjects):
        def put_if_absent(self, key: str, body: bytes) -> bool:
            super().put_if_absent(key, body)
            return False

    Bench(Lossy()).take("first").require()


def test_old_leases_are_not_kept() -> None:
    bench = Bench()
    for number in range(5):
        bench.take(f"writer {number}").release()
    assert len(bench.objects.list("locks/")) == 1


def test_a_block_holds_the_table_and_lets_it_go() -> None:
    bench = Bench()
    with lease(bench.objects, TABLE, holder="first", ttl_s=TTL_S, now=bench.clock), pytest.raises(TableHeld):
        bench.take("second")
    bench.take("second")


def test_a_block_that_lost_its_lease_says_so_at_its_end() -> None:
    bench = Bench()
    with (
        pytest.raises(LeaseLost),
        lease(bench.objects, TABLE, holder="first", ttl_s=TTL_S, now=bench.clock),
    ):
        bench.clock.at_s += TTL_S


def test_what_failed_in_a_block_is_not_hidden_by_a_store_that_is_gone() -> None:
    class Gone(MemoryObjects):
        broken = False

        def list(self, prefix: str) -> tuple[str, ...]:
            if self.broken:
                raise ObjectStoreFailed("gone")
            return super().list(prefix)

    objects = Gone()
    with pytest.raises(ZeroDivisionError), lease(objects, TABLE, holder="first", ttl_s=TTL_S):
        objects.broken = True
        raise ZeroDivisionError


STEPS = st.lists(
    st.tuples(st.sampled_from(["take", "renew", "release", "wait"]), st.integers(0, 2)), max_size=30
)


@given(STEPS)
def test_at_no_time_do_two_hold_a_table(steps: list[tuple[str, int]]) -> None:
    bench = Bench()
    leases: dict[int, Lease] = {}
    for step, writer in steps:
        try:
            match step:
                case "take":
                    leases[writer] = bench.take(str(writer))
                case "wait":
                    bench.clock.at_s += TTL_S / 2
                case _ if writer in leases:
                    getattr(leases[writer], step)()
        except (TableHeld, LeaseLost):
            continue
        assert sum(map(holds, leases.values())) <= 1


def holds(lease: Lease) -> bool:
    try:
        lease.require()
    except LeaseLost:
        return False
    return True


def test_the_lease_of_a_writer_that_died_is_waited_for() -> None:
    bench = Bench()
    bench.take("the dead one")
    began_s = bench.clock.at_s

    def sleep(seconds: float) -> None:
        bench.clock.at_s += seconds

    take(bench.objects, TABLE, holder="next", ttl_s=TTL_S, now=bench.clock, sleep=sleep)
    assert bench.clock.at_s - began_s == pytest.approx(TTL_S, abs=0.5)


def test_the_lease_of_a_writer_that_lives_is_not_waited_for() -> None:
    bench = Bench()
    living = bench.take("the living one")

    def sleep(seconds: float) -> None:
        bench.clock.at_s += seconds
        living.renew()

    with pytest.raises(TableHeld, match="the living one"):
        take(bench.objects, TABLE, holder="next", ttl_s=TTL_S, now=bench.clock, sleep=sleep)


def test_what_a_store_lists_of_a_write_that_is_under_way_is_no_lease() -> None:
    bench = Bench()
    bench.objects.put(f"locks/{TABLE}/000000000001.json-part", b"")
    bench.take("first").require()
    with pytest.raises(TableHeld, match="held by first"):
        bench.take("second")


def test_a_lease_that_was_written_and_looked_at_too_early_is_still_ones_own() -> None:
    class Slow(MemoryObjects):
        """Lists a new object only the second time."""

        looks = 0

        def list(self, prefix: str) -> tuple[str, ...]:
            self.looks += 1
            return () if self.looks == 2 else super().list(prefix)

    Lease(Slow(), TABLE, holder="first", ttl_s=TTL_S, now=Clock()).require()
