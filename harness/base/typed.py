"""Turns documents into typed values, and pydantic's errors into problems with line and value."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from types import UnionType
from typing import Annotated, Any, TypeVar, get_args, get_origin

import orjson
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from harness.base.documents import Document, FieldPath, shown
from harness.base.errors import Problem
from harness.base.units import WRITTEN_BY_HAND

Model = TypeVar("Model", bound=BaseModel)


def typed(
    model: type[Model], document: Document, value: object, at: FieldPath = ()
) -> tuple[Model | None, list[Problem]]:
    """Validate the value at ``at`` in the document; return the model, or None and every problem."""
    try:
        return model.model_validate_json(orjson.dumps(value), context=WRITTEN_BY_HAND), []
    except ValidationError as error:
        return None, [_problem(details, model, document, at) for details in error.errors(include_url=False)]


def suggestion(found: str, known: Iterable[str]) -> str:
    """The names allowed instead of ``found``: the nearest one first, then all."""
    names = sorted(known)
    nearest = difflib.get_close_matches(found, names, n=1)
    hint = f"did you mean {nearest[0]}? " if nearest else ""
    return f"{hint}one of {', '.join(names)}" if names else "none"


def _problem(details: ErrorDetails, model: type[BaseModel], document: Document, at: FieldPath) -> Problem:
    path, _ = _walked(model, details["loc"])
    found = "missing" if details["type"] == "missing" else shown(details["input"])
    match details["type"]:
        case "extra_forbidden":
            found = f"unknown field {path[-1]}"
        case "union_tag_invalid":
            path, found = (*path, _discriminator(details)), details["ctx"]["tag"]
        case "union_tag_not_found":
            path, found = (*path, _discriminator(details)), "missing"
    allowed = _allowed(details, model)
    return Problem(where=document.where((*at, *path)), found=found, allowed=allowed)


def _allowed(details: ErrorDetails, model: type[BaseModel]) -> str:
    path = details["loc"]
    match details["type"]:
        case "extra_forbidden":
            return suggestion(str(path[-1]), _fields(_walked(model, path[:-1])[1]))
        case "union_tag_invalid" | "union_tag_not_found":
            return suggestion(details["ctx"].get("tag", ""), _tagged(_walked(model, path)[1]))
        case "missing":
            return "a value; this field has no default"
        case "value_error":
            return str(details["ctx"]["error"])
        case "model_type" | "dict_type" | "model_attributes_type":
            return "a mapping of fields to values"
        case _:
            return details["msg"].removeprefix("Input should be ").removeprefix("Value should ")


def _discriminator(details: ErrorDetails) -> str:
    """The field that selects one of several models."""
    name: str = details["ctx"]["discriminator"]
    return name.strip("'")


def _walked(annotation: Any, path: Sequence[str | int]) -> tuple[FieldPath, Any]:
    """The path as in the document, and the type of the value there.

    For a union, pydantic adds the model's tag to the path, where the document has none.
    """
    if not path:
        return (), annotation
    step, rest = path[0], path[1:]
    if step in (models := _tagged(annotation)):
        return _walked(models[str(step)], rest)
    walked, end = _walked(_inner(annotation, step), rest)
    return (step, *walked), end


def _inner(annotation: Any, step: str | int) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        named = {field.alias or name: field.annotation for name, field in annotation.model_fields.items()}
        return named.get(str(step))
    if get_origin(annotation) in (dict, tuple, list):
        return get_args(annotation)[1 if get_origin(annotation) is dict else 0]
    return None


def _fields(annotation: Any) -> Sequence[str]:
    """The names of a model's fields, as in documents."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return tuple(field.alias or name for name, field in annotation.model_fields.items())
    return ()


def _tagged(annotation: Any) -> dict[str, Any]:
    """The models of a union by the ``kind`` that tells them apart; empty for any other type."""
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    models = get_args(annotation) if isinstance(annotation, UnionType) else ()
    return {model.model_fields["kind"].default: model for model in models if "kind" in _fields(model)}
