"""Moves pieces into the archive: copy first, then record, then remove.

A process that dies in between loses nothing, and the next attempt continues, because a piece always has the
same place. Files that a table's commit deletes stay in the store until the table is vacuumed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from datetime import datetime
from typing import Final

from pipeline.base.errors import CommitConflict
from pipeline.lifecycle.archive_record import ArchivedObject, ArchiveRecord
from pipeline.lifecycle.plan import Move
from pipeline.lifecycle.stores import Stores

_ID_LENGTH: Final = 32


def apply(moves: Iterable[Move], stores: Stores, now: datetime) -> tuple[ArchiveRecord, ...]:
    """Apply a plan; ``now`` is on the event clock. Idempotent.

    Raises TableHeld, CommitConflict if a day has changed since it was listed, and ObjectStoreFailed.
    """
    return tuple(_archive(move, stores, now) for move in moves)


def _archive(move: Move, stores: Stores, now: datetime) -> ArchiveRecord:
    with stores.hold(move.table) if move.table else nullcontext() as held:
        record = _described(move, stores, now)
        for member in record.objects:
            stores.objects.copy(member.key, record.cold_key(stores.policy, member.key))
        key = record.record_key(stores.policy)
        stores.objects.put_if_absent(key, record.model_dump_json(indent=2).encode())
        if record.table_day and held:
            held.require()
            stores.tables.drop(move.day, record.table_day)
        else:
            for member in record.objects:
                stores.objects.delete(member.key)
    return record


def _described(move: Move, stores: Stores, now: datetime) -> ArchiveRecord:
    day = stores.tables.describe(move.table, move.day) if move.table else None
    listed = {stored.key for stored in move.objects}
    if day and {file.key(day.table) for file in day.files} != listed:
        raise CommitConflict(f"{move.name} has changed since it was listed: nothing was moved; plan again")
    members = tuple(
        ArchivedObject(key=key, bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
        for key in sorted(listed)
        for content in [stores.objects.get(key)]
    )
    return ArchiveRecord(
        id=_identity(members),
        name=move.name,
        day=move.day,
        archived_at=now,
        objects=members,
        table_day=day,
    )


def _identity(members: Sequence[ArchivedObject]) -> str:
    digest = hashlib.sha256()
    for member in members:
        digest.update(f"{member.key}\0{member.sha256}\n".encode())
    return digest.hexdigest()[:_ID_LENGTH]
