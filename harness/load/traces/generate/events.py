"""Draws events of the contract by column. A chunk depends only on the seed and its own number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from harness.load.traces.generate.draws import ZipfRanks, session_of_events
from harness.load.traces.generate.model import Generate

CHUNK_EVENTS: Final = 65_536
"""Part of a generated trace's definition: every session lies within one chunk."""
_CHANNELS: Final = ("web", "app", "store", "partner")
_CENTS_MEDIAN: Final = 2000.0
_CENTS_SIGMA: Final = 1.0
_QUANTITY_MAX: Final = 9


class EventGenerator:
    """An endless source of the events that ``generate`` describes. A shorter trace begins a longer one.

    Random numbers come from PCG64; SeedSequence spawns each chunk's generator from the seed
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
        """Yield the first ``events`` events by chunk, with the columns of ``chunk``."""
        for number in range(-(-events // CHUNK_EVENTS)):
            yield self.chunk(number).slice(0, events - number * CHUNK_EVENTS)

    def chunk(self, number: int) -> pa.RecordBatch:
        """Return ``CHUNK_EVENTS`` events: ``number`` (from 0 across all chunks) and the contract's fields."""
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
        """Draw entities. Entity 0 is the hot one if there is one, otherwise the most popular."""
        of_session = self._ranks.drawn(random.random(int(sessions.max()) + 1)) + self._first_rank
        entities: np.ndarray[Any, Any] = of_session[sessions]
        if self._generate.hot_key:
            entities[random.random(len(entities)) < self._generate.hot_key] = 0
        return entities


class _Choice:
    """A choice among names, weighted by their shares."""

    def __init__(self, shares: dict[str, float]) -> None:
        self.names = pa.array(list(shares))
        self._until = np.cumsum(list(shares.values()))[:-1]

    def places(self, random: np.random.Generator) -> np.ndarray[Any, Any]:
        """Draw the index of a name for each event of a chunk."""
        places: np.ndarray[Any, Any] = np.searchsorted(self._until, random.random(CHUNK_EVENTS), side="right")
        return places


def payloads_of(events: pa.RecordBatch) -> list[bytes]:
    """Encode each event as JSON, like the SQL of harness/load/plan/payload.py except for numbers.

    Generated values need no JSON escapes, so texts are joined unchanged.
    """
    texts = pc.binary_join_element_wise(
        '{"event_id":"',
        events.column("event_id"),
        '","event_type":"',
        events.column("event_type"),
        '","entity_id":"',
        events.column("entity_id"),
        '","category":"',
        events.column("category"),
        '","reference_id":"',
        events.column("reference_id"),
        '","value":',
        events.column("value").cast(pa.string()),
        ',"quantity":',
        events.column("quantity").cast(pa.string()),
        ',"attributes":',
        events.column("attributes"),
        "}",
        "",
    )
    payloads: list[bytes] = texts.cast(pa.binary()).to_pylist()
    return payloads


def _named(prefix: str, numbers: np.ndarray[Any, Any]) -> pa.Array:
    return pc.binary_join_element_wise(prefix, pa.array(numbers).cast(pa.string()), "")


def _attributes(version: str, channel: str) -> str:
    """Attributes as JSON with sorted keys. Version 2 adds the channel."""
    added = f'"channel":"{channel}",' if int(version) > 1 else ""
    return f'{{{added}"schema_version":"{version}"}}'
