"""Events of the contract, drawn by column. A chunk depends on the seed and on its own number alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from harness.load.traces.generate.draws import ZipfRanks, session_of_events
from harness.load.traces.generate.model import Generate

CHUNK_EVENTS: Final = 65_536
"""Part of a generated trace's meaning: no session is longer, or reaches from one chunk into the next."""
_CHANNELS: Final = ("web", "app", "store", "partner")
_CENTS_MEDIAN: Final = 2000.0
_CENTS_SIGMA: Final = 1.0
_QUANTITY_MAX: Final = 9


class EventGenerator:
    """The events that ``generate`` describes, without end. A shorter trace is the beginning of a longer one.

    Random numbers are PCG64's; each chunk's are spawned from the seed by SeedSequence
    (https://numpy.org/doc/stable/reference/random/parallel.html).
    """

    def __init__(self, generate: Generate, *, seed: int) -> None:
        self._generate, self._seed = generate, seed
        hot = 1 if generate.hot_key else 0
        self._ranks = ZipfRanks(generate.entities - hot, generate.popularity.zipf)
        self._first_rank = hot
        self._types = _Choice(generate.event_types)
        self._versions = _Choice(generate.schema_versions)
        self._categories = pa.array([f"category-{number}" for number in range(generate.categories)])
        self._attributes = pa.array([_attributes(v, c) for v in generate.schema_versions for c in _CHANNELS])

    def chunks(self, events: int) -> Iterator[pa.RecordBatch]:
        """The first ``events`` events, chunk by chunk. The columns are those of ``chunk``."""
        for number in range(-(-events // CHUNK_EVENTS)):
            yield self.chunk(number).slice(0, events - number * CHUNK_EVENTS)

    def chunk(self, number: int) -> pa.RecordBatch:
        """``CHUNK_EVENTS`` events: ``number`` (from 0 through all chunks) and the contract's fields."""
        random = np.random.Generator(np.random.PCG64(np.random.SeedSequence(self._seed, spawn_key=(number,))))
        numbers = np.arange(CHUNK_EVENTS) + number * CHUNK_EVENTS
        sessions = session_of_events(random, events=CHUNK_EVENTS, mean_length=self._generate.sessions.length)
        entities = self._entities(random, sessions)
        versions = self._versions.places(random)
        channels = random.integers(len(_CHANNELS), size=CHUNK_EVENTS)
        cents = np.rint(_CENTS_MEDIAN * np.exp(_CENTS_SIGMA * random.standard_normal(CHUNK_EVENTS)))
        return pa.record_batch(
            {
                "number": pa.array(numbers),
                "event_id": _named(f"{self._seed:08x}-", numbers),
                "event_type": self._types.names.take(pa.array(self._types.places(random))),
                "entity_id": _named("entity-", entities),
                "category": self._categories.take(pa.array(entities % self._generate.categories)),
                "reference_id": _named(f"session-{number}-", sessions),
                "value": pa.array(cents / 100),
                "quantity": pa.array(random.integers(1, _QUANTITY_MAX + 1, size=CHUNK_EVENTS)),
                "attributes": self._attributes.take(pa.array(versions * len(_CHANNELS) + channels)),
            }
        )

    def _entities(self, random: np.random.Generator, sessions: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Entity 0 is the hot one, if there is one, and else that of the first rank."""
        of_session = self._ranks.drawn(random.random(int(sessions.max()) + 1)) + self._first_rank
        entities: np.ndarray[Any, Any] = of_session[sessions]
        if self._generate.hot_key:
            entities[random.random(len(entities)) < self._generate.hot_key] = 0
        return entities


class _Choice:
    """One of several names, by their shares."""

    def __init__(self, shares: dict[str, float]) -> None:
        self.names = pa.array(list(shares))
        self._until = np.cumsum(list(shares.values()))[:-1]

    def places(self, random: np.random.Generator) -> np.ndarray[Any, Any]:
        """The place of the name of each event of a chunk."""
        places: np.ndarray[Any, Any] = np.searchsorted(self._until, random.random(CHUNK_EVENTS), side="right")
        return places


def _named(prefix: str, numbers: np.ndarray[Any, Any]) -> pa.Array:
    return pc.binary_join_element_wise(prefix, pa.array(numbers).cast(pa.string()), "")


def _attributes(version: str, channel: str) -> str:
    """As JSON, keys sorted. What a version added is not in the events of the one before it."""
    added = f'"channel":"{channel}",' if int(version) > 1 else ""
    return f'{{{added}"schema_version":"{version}"}}'
