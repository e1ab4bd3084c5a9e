"""What may change from one version of a contract to the next.

A new version may add nullable fields, widen limits, and say more about the data (descriptions, quality
rules, service levels, references). Everything else is refused: rows written earlier must still satisfy the
contract, and readers must find every field unchanged. So a field is never removed, renamed, retyped,
narrowed, made required, or made optional (keys and aggregates rely on it). The major version never changes:
a breaking change needs a contract of another name.

Types never change. Even int64 to double is refused, because it loses digits beyond 2^53.

"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from pipeline.contract.odcs import DataContract, Property, TypeOptions

Kind = Literal["added", "removed", "retyped", "narrowed", "widened", "role", "reference", "name", "version"]
ABSENT: Final = "absent"

_ALLOWED: Final = {
    "added": "a field of the JSON that may be null and is part of no key",
    "removed": "the field as it was; a field stays for good",
    "retyped": "the type as it was; add a field of the new type beside it",
    "narrowed": "what was allowed before, or more",
    "role": "the role as it was: required, identity, record's key and part of the record stay",
    "reference": "the reference as it was; further ones may be added",
    "name": "the name as it was; what breaks readers is a contract of another name",
}
# (old, new) pairs in which the new type holds less: such a change is reported as "narrowed".
_NARROWER: Final = {("double", "int64"), ("double", "float"), ("double", "int32"), ("int64", "int32")}
_NO_ROLE: Final = "nullable"
_LOWER: Final = ("min_length", "minimum")
_UPPER: Final = ("max_length", "maximum")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One difference between two versions, and whether the later one may have it."""

    field: str
    """The field's name, or ``version``, ``id``, ``name`` or ``physicalName`` for the contract itself."""
    kind: Kind
    old: str
    new: str
    compatible: bool = False
    allowed: str = ""
    """What would be accepted instead; empty for an accepted change."""

    def __str__(self) -> str:
        allowed = f"; allowed: {self.allowed}" if self.allowed else ""
        return f"{self.field}: {self.kind}: was {self.old}, is {self.new}{allowed}"


def changes(old: DataContract, new: DataContract) -> tuple[Change, ...]:
    """Return every difference that affects rows or their readers: existing fields first, then new ones."""
    return tuple(_changes(old, new))


def problems(old: DataContract, new: DataContract) -> tuple[Change, ...]:
    """Return why ``new`` may not follow ``old``; empty if it may, or if both are equal."""
    refused = tuple(change for change in changes(old, new) if not change.compatible)
    return refused if old == new else (*refused, *_version_problems(old, new))


def successor(version: str) -> str:
    """Return the only version that may follow: every change is a minor one."""
    major, minor, _ = numbers(version)
    return f"{major}.{minor + 1}.0"


def numbers(version: str) -> tuple[int, int, int]:
    """Return major, minor and patch, for sorting versions."""
    major, minor, patch = map(int, version.split("."))
    return major, minor, patch


def refused(field: str, kind: Kind, old: str, new: str, hint: str = "") -> Change:
    """Return a change that is not allowed. ``hint`` says what it looks like."""
    return Change(field=field, kind=kind, old=old, new=new, allowed=_ALLOWED[kind] + hint)


def type_change(field: str, old: str, new: str) -> Change:
    """Return a refused change of the physical type, named narrowed or retyped."""
    return refused(field, "narrowed" if (old, new) in _NARROWER else "retyped", old, new)


def rename_hint(candidates: Sequence[str]) -> str:
    """Return a hint for a field that disappeared while new ones of the same type appeared."""
    return f" (looks like a rename to {' or '.join(candidates)})" if candidates else ""


def _changes(old: DataContract, new: DataContract) -> Iterator[Change]:
    for what, was, now in (
        ("id", old.id, new.id),
        ("name", old.name, new.name),
        ("physicalName", old.objects[0].physical_name, new.objects[0].physical_name),
    ):
        if was != now:
            yield refused(what, "name", was, now)
    before = {field.name: field for field in old.properties}
    after = {field.name: field for field in new.properties}
    added = [field for name, field in after.items() if name not in before]
    for name, field in before.items():
        if name in after:
            yield from _field_changes(field, after[name])
        else:
            alike = [other.name for other in added if _type(other) == _type(field)]
            yield refused(name, "removed", field.physical_type, ABSENT, rename_hint(alike))
    for field in added:
        if _role(field) != _NO_ROLE:
            yield refused(field.name, "added", ABSENT, f"{field.physical_type}, {_role(field)}")
        else:
            yield Change(field=field.name, kind="added", old=ABSENT, new=field.physical_type, compatible=True)


def _field_changes(old: Property, new: Property) -> Iterator[Change]:
    if old.physical_type != new.physical_type:
        yield type_change(old.name, old.physical_type, new.physical_type)
    elif old.logical_type != new.logical_type:
        yield refused(old.name, "retyped", old.logical_type, new.logical_type)
    if _role(old) != _role(new):
        yield refused(old.name, "role", _role(old), _role(new))
    yield from _limit_changes(old.name, old.logical_type_options, new.logical_type_options)
    before, after = ({relationship.to for relationship in field.relationships} for field in (old, new))
    if before != after:
        kept = before <= after
        texts = [" and ".join(sorted(targets)) or "no table" for targets in (before, after)]
        allowed = "" if kept else _ALLOWED["reference"]
        yield Change(
            field=old.name, kind="reference", old=texts[0], new=texts[1], compatible=kept, allowed=allowed
        )


def _limit_changes(field: str, old: TypeOptions, new: TypeOptions) -> Iterator[Change]:
    for name in TypeOptions.model_fields:
        before, after = getattr(old, name), getattr(new, name)
        if before == after:
            continue
        wider = after is None or (
            before is not None
            and ((name in _LOWER and after < before) or (name in _UPPER and after > before))
        )
        texts = [f"{name} {limit}" if limit is not None else f"no {name}" for limit in (before, after)]
        if wider:
            yield Change(field=field, kind="widened", old=texts[0], new=texts[1], compatible=True)
        else:
            yield refused(field, "narrowed", texts[0], texts[1])


def _type(field: Property) -> tuple[str, str]:
    return field.logical_type, field.physical_type


def _role(field: Property) -> str:
    """Describe what others rely on a field for."""
    roles = (
        "required" if field.required else _NO_ROLE,
        f"identity {field.primary_key_position}" if field.primary_key else "",
        "record's key" if field.partitioned else "",
        f"the record's {field.record_part}" if field.record_part != "value" else "",
    )
    return ", ".join(filter(None, roles))


def _version_problems(old: DataContract, new: DataContract) -> Iterator[Change]:
    (major, minor, _), (new_major, new_minor, _) = numbers(old.version), numbers(new.version)
    if new_major != major or new_minor <= minor:
        allowed = f"{successor(old.version)}; every change is a minor version, and none is a major one"
        yield Change(field="version", kind="version", old=old.version, new=new.version, allowed=allowed)


def with_nullable_text(contract: DataContract, name: str) -> DataContract:
    """Return the next version of a contract, with one more field: a nullable text."""
    (table,) = contract.objects
    field = Property.model_validate(
        {
            "name": name,
            "logicalType": "string",
            "physicalType": "string",
            "description": "Added later; null in what is older, and where nothing is known.",
        }
    )
    objects = (table.model_copy(update={"properties": (*table.properties, field)}),)
    return contract.model_copy(update={"version": successor(contract.version), "objects": objects})
