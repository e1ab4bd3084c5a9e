"""From documents to typed values: pydantic's errors, told as problems with line, value and allowed."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar, get_args, get_origin

import orjson
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from harness.documents import Document, FieldPath, shown
from harness.errors import Problem
from harness.units import WRITTEN_BY_HAND

Model = TypeVar("Model", bound=BaseModel)


def typed(
    model: type[Model], document: Document, value: object, at: FieldPath = ()
) -> tuple[Model | None, list[Problem]]:
    """The value, which stands at ``at`` in the document, as the model; or None and all that is wrong."""
    try:
        return model.model_validate_json(orjson.dumps(value), context=WRITTEN_BY_HAND), []
    except ValidationError as error:
        return None, [_problem(details, model, document, at) for details in error.errors(include_url=False)]


def suggestion(found: str, known: Iterable[str]) -> str:
    """What may stand in place of a name: the nearest one first, then all."""
    names = sorted(known)
    nearest = difflib.get_close_matches(found, names, n=1)
    hint = f"did you mean {nearest[0]}? " if nearest else ""
    return f"{hint}one of {', '.join(names)}" if names else "none"


def _problem(details: ErrorDetails, model: type[BaseModel], document: Document, at: FieldPath) -> Problem:
    path = details["loc"]
    found = "missing" if details["type"] == "missing" else shown(details["input"])
    if details["type"] == "extra_forbidden":
        found = f"unknown field {path[-1]}"
    allowed = _allowed(details, model)
    return Problem(where=document.where((*at, *path)), found=found, allowed=allowed)


def _allowed(details: ErrorDetails, model: type[BaseModel]) -> str:
    path = details["loc"]
    match details["type"]:
        case "extra_forbidden":
            return suggestion(str(path[-1]), _fields_at(model, path[:-1]))
        case "missing":
            return "a value; this field has no default"
        case "value_error":
            return str(details["ctx"]["error"])
        case "model_type" | "dict_type":
            return "a mapping of fields to values"
        case _:
            return details["msg"].removeprefix("Input should be ").removeprefix("Value should ")


def _fields_at(annotation: Any, path: Sequence[str | int]) -> Sequence[str]:
    """The names of the fields that the model has at a path inside it."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields = {field.alias or name: field.annotation for name, field in annotation.model_fields.items()}
        if not path:
            return tuple(fields)
        return _fields_at(fields[path[0]], path[1:]) if path[0] in fields else ()
    if get_origin(annotation) in (dict, tuple, list):
        inner = get_args(annotation)[1 if get_origin(annotation) is dict else 0]
        return _fields_at(inner, path[1:])
    return ()
