"""Restores archived pieces for some days: objects as copies, days as tables of their own.

A day does not return to its table: the table's tasks and readers would treat it as their own, and a second
commit would have to remove it again when it expires. A restored table is simply deleted as a folder.
"""

from __future__ import annotations

import hashlib
import random
from datetime import date, datetime

from pydantic import ValidationError

from pipeline.base.errors import Archived, ArchiveDamaged, NoSuchObject
from pipeline.lifecycle.archive_record import ArchiveRecord, records_of
from pipeline.lifecycle.plan import covered_day, name_of
from pipeline.lifecycle.restore_request import RestoreRequest, due, expired, restore, restore_time
from pipeline.lifecycle.stores import Stores

_REQUESTS = "requests/"


def request_restore(
    name: str, stores: Stores, now: datetime, chance: random.Random
) -> tuple[RestoreRequest, ...]:
    """Request all pieces with a name: ``silver/events/2013-01-01``, or an object's key.

    A piece whose earlier request has not expired keeps it. Raises NoSuchObject if nothing with that name is
    archived.
    """
    records = records_of(stores.policy, stores.objects, name)
    if not records:
        raise NoSuchObject(
            f"nothing named {name} is in the archive; a day is named as silver/events/2013-01-01"
        )
    known = requests(stores)
    for over in expired(known, now):
        _remove(over, stores)
    pending = {request.id: request for request in known if request.expires_at > now}
    return tuple(pending.get(r.id) or _save(restore(stores.policy, r, now, chance), stores) for r in records)


def requests(stores: Stores) -> tuple[RestoreRequest, ...]:
    """Return all stored requests. Raises ArchiveDamaged."""
    return tuple(_read(key, stores) for key in stores.objects.list(_folder(stores)))


def advance(stores: Stores, now: datetime) -> tuple[RestoreRequest, ...]:
    """Restore what is due, remove what has expired, and return what is readable. Idempotent.

    Raises ArchiveDamaged if a copy is not what was archived.
    """
    known = requests(stores)
    for request in expired(known, now):
        _remove(request, stores)
    readable = due(known, now)
    for request in readable:
        _restore(_record(request, stores), stores)
    return readable


def get(key: str, stores: Stores) -> bytes:
    """Return an object's bytes from its own place or from a restored copy.

    Raises Archived if it is only in the archive, and NoSuchObject if it is nowhere.
    """
    try:
        return stores.objects.get(key)
    except NoSuchObject:
        found = covered_day(stores.policy, key)
        records = records_of(stores.policy, stores.objects, name_of(*found, key)) if found else ()
        if not any(member.key == key for record in records for member in record.objects):
            raise
    for record in reversed(records):
        try:
            return stores.objects.get(record.restored_key(stores.policy, key))
        except NoSuchObject:
            continue
    raise Archived(key, records[-1].archived_at, restore_time(stores.policy))


def require_not_archived(table: str, day: date, stores: Stores) -> None:
    """Check a day before its table is read: an archived day would read as empty, not as absent.

    Raises Archived. Restored days are in tables of their own (``restored_table``).
    """
    name = f"{table}/{day}"
    if records := records_of(stores.policy, stores.objects, name):
        raise Archived(name, records[-1].archived_at, restore_time(stores.policy))


def restored_table(record: ArchiveRecord, stores: Stores) -> str | None:
    """Return where a piece's table lies after a restore; None for an object."""
    day = record.table_day
    return None if day is None else record.restored_key(stores.policy, day.table)


def restored_places(request: RestoreRequest, stores: Stores) -> tuple[str, ...]:
    """Return where requested data lies once it is readable: a table or objects. Raises ArchiveDamaged."""
    record = _record(request, stores)
    table = restored_table(record, stores)
    keys = (record.restored_key(stores.policy, member.key) for member in record.objects)
    return (table,) if table else tuple(keys)


def _restore(record: ArchiveRecord, stores: Stores) -> None:
    for member in record.objects:
        to_key = record.restored_key(stores.policy, member.key)
        stores.objects.copy(record.cold_key(stores.policy, member.key), to_key)
        if hashlib.sha256(stores.objects.get(to_key)).hexdigest() != member.sha256:
            stores.objects.delete(to_key)
            raise ArchiveDamaged(f"{member.key}: the archive's copy has another SHA-256 than {member.sha256}")
    at = restored_table(record, stores)
    if record.table_day and at:
        stores.tables.publish(at, record.table_day)


def _remove(request: RestoreRequest, stores: Stores) -> None:
    for key in stores.objects.list(f"{stores.policy.restore.prefix}{request.id}/"):
        stores.objects.delete(key)
    stores.objects.delete(f"{_folder(stores)}{request.key_suffix}")


def _record(request: RestoreRequest, stores: Stores) -> ArchiveRecord:
    for record in records_of(stores.policy, stores.objects, request.name):
        if record.id == request.id:
            return record
    raise ArchiveDamaged(f"{request.name} was asked for, and its record {request.id} is gone")


def _save(request: RestoreRequest, stores: Stores) -> RestoreRequest:
    """Store the request and return it, or the one of a faster writer."""
    key = f"{_folder(stores)}{request.key_suffix}"
    stores.objects.put_if_absent(key, request.model_dump_json(indent=2).encode())
    return _read(key, stores)


def _read(key: str, stores: Stores) -> RestoreRequest:
    try:
        return RestoreRequest.model_validate_json(stores.objects.get(key))
    except ValidationError as error:
        raise ArchiveDamaged(f"{key} is no request for a restore: {error}") from error


def _folder(stores: Stores) -> str:
    return f"{stores.policy.tiers.cold.prefix}{_REQUESTS}"
