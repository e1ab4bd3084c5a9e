"""The pipeline's options as people write them: ``checkpoint_interval: 2s`` for ``checkpoint_interval_s``.

In code a field's name ends with its unit and its value is a bare number; in YAML the unit stands with the
value. The YAML form is derived from the dataclasses in pipeline/base/options.py: an option is declared once.
"""

from __future__ import annotations

from dataclasses import Field as DataclassField
from dataclasses import fields, is_dataclass
from typing import Annotated, Any, Final, get_type_hints

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, create_model

from harness.base.units import Seconds
from pipeline.base.options import PipelineOptions

_UNIT_SUFFIXES: Final = ("_event_s", "_s")
_MAY_BE_ZERO: Final = frozenset({"out_of_orderness"})


class _Written(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def written_name(field: str) -> str:
    """The YAML name of a dataclass's field: ``out_of_orderness`` for ``out_of_orderness_event_s``."""
    suffix = next((suffix for suffix in _UNIT_SUFFIXES if field.endswith(suffix)), "")
    return field.removesuffix(suffix)


def written_model(options: type[Any]) -> type[BaseModel]:
    """The pydantic model of the YAML form of a dataclass of options."""
    hints = get_type_hints(options)
    definitions = {written_name(f.name): _definition(f, hints[f.name]) for f in fields(options)}
    if len(definitions) != len(fields(options)):
        raise ValueError(f"two options of {options.__name__} have the same name without their units")
    model: type[BaseModel] = create_model(
        options.__name__, __base__=_Written, __doc__=options.__doc__, **definitions
    )
    return model


def options_from(written: BaseModel, options: type[Any]) -> Any:
    """Convert the YAML form into its dataclass of options."""
    hints = get_type_hints(options)
    values = {}
    for field in fields(options):
        value = getattr(written, written_name(field.name))
        values[field.name] = (
            options_from(value, hints[field.name]) if is_dataclass(hints[field.name]) else value
        )
    return options(**values)


def _definition(field: DataclassField[Any], hint: Any) -> Any:
    name = written_name(field.name)
    if is_dataclass(hint) and isinstance(hint, type):
        nested = written_model(hint)
        return nested, nested()
    return (_duration(name, hint) if name != field.name else _counted(hint)), field.default


def _duration(name: str, hint: Any) -> Any:
    whole = (AfterValidator(_whole),) if hint is int else ()
    positive = () if name in _MAY_BE_ZERO else (Field(gt=0),)
    return Annotated[(Seconds, *whole, *positive)] if whole or positive else Seconds


def _counted(hint: Any) -> Any:
    return Annotated[int, Field(ge=1)] if hint is int else hint


def _whole(seconds: float) -> int:
    if not float(seconds).is_integer():
        raise ValueError("a duration of whole seconds")
    return int(seconds)


WrittenPipeline: Final = written_model(PipelineOptions)
"""The scenario's ``pipeline`` section."""
