"""The base of all settings: pydantic models read from TOML, unknown keys refused."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
import tomllib
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError, core_schema

from nucleate.core.errors import SettingsError
from nucleate.core.spelling import near


def merge(values: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """`values` with those of `options` that are not None laid over it, table by table."""
    merged = dict(values)
    for key, value in options.items():
        if isinstance(value, Mapping):
            inner = merge(merged.get(key) or {}, value)
            if inner:
                merged[key] = inner
        elif value is not None:
            merged[key] = value
    return merged


Fraction = Annotated[float, Field(ge=0, le=1)]


Positive = Annotated[int, Field(gt=0)]


Share = Fraction | Positive
"""A share of the whole, or, as a whole number above 0, a count."""


Device = Literal["auto", "cpu", "cuda", "mps"]
"""Where networks run; `auto` takes a GPU if there is one."""


Unjudged = Literal["keep", "reject"]
"""What becomes of a structure that a check cannot judge."""


class Settings(BaseModel):
    """Base of all settings: frozen, unknown keys refused, defaults validated.

    The string under a field says what it means; `field_descriptions` reads it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    RENAMED: ClassVar[dict[str, str]] = {}
    """Keys by their former names, which are still read, with a warning."""

    @model_validator(mode="before")
    @classmethod
    def _read_former_names(cls, values: Any) -> Any:
        if not isinstance(values, Mapping) or not (former := values.keys() & cls.RENAMED.keys()):
            return values
        for old in sorted(former):
            new = cls.RENAMED[old]
            warnings.warn(f"{old} is now called {new}", FutureWarning, stacklevel=2)
            if new in values:
                raise ValueError(f"{old} and {new} are the same: give one of them")
        return {cls.RENAMED.get(key, key): value for key, value in values.items()}


S = TypeVar("S", bound=Settings)


@cache
def field_descriptions(model: type[BaseModel]) -> dict[str, str]:
    """The string under each field of settings, inherited fields included, on one line each.

    A string may stand under several fields, of which it then tells. Pydantic reads the same with
    `use_attribute_docstrings`, but for every class whenever it is imported, which costs more than
    the import itself.
    """
    found: dict[str, str] = {}
    for cls in reversed(model.__mro__):
        if not issubclass(cls, BaseModel) or cls in (BaseModel, Settings):
            continue
        try:
            body = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
        except (OSError, TypeError, SyntaxError):
            continue  # a class without source, made on the fly
        waiting: list[str] = []
        for line in body.body if isinstance(body, ast.ClassDef) else []:
            match line:
                case ast.AnnAssign(target=ast.Name(id=name)):
                    waiting.append(name)
                case ast.Expr(value=ast.Constant(value=str(said))):
                    found |= dict.fromkeys(waiting, " ".join(said.split()))
                    waiting = []
    return {name: found[name] for name in model.model_fields if name in found}


def validate(model: type[S], values: Mapping[str, Any], where: str) -> S:
    """Check a table of values against a settings class.

    Args:
        where: file and section, for the message.

    Raises:
        SettingsError: one line per offending key, with the allowed keys for a misspelt one.
    """
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        lines = []
        for item in error.errors():
            location = item["loc"]
            message = _in_plain_words(item["msg"], item["input"])
            if item["type"] == "extra_forbidden":
                message = "unknown key" + _allowed_keys(model, location)
            elif item["type"] == "tuple_type" and isinstance(item["input"], Mapping):
                message = "write it as a list of tables, with two pairs of brackets: "
                message += f"[[{location[-1]}]]"
            elif item["type"] == "literal_error" and str(location[-1]).startswith("literal["):
                location = location[:-1]  # of a union of several lists: told as one
                message = _one_of(error, location, item["input"])
            path = ".".join(str(p) for p in location)
            lines.append(f"  {path or '(top level)'}: {message}")
        lines = list(dict.fromkeys(lines))
        raise SettingsError(f"{where}: invalid settings\n" + "\n".join(lines)) from None


_KINDS = {
    "a valid string": "text",
    "a valid integer": "a whole number",
    "a valid number": "a number",
    "a valid boolean": "true or false",
    "a valid list": "a list",
    "a valid tuple": "a list",
    "a valid dictionary": "a table",
    "a finite number": "a finite number",
}


def _in_plain_words(message: str, given: Any) -> str:
    """What pydantic says of a value, as a person would: what is allowed, and what was given."""
    message = re.sub(r"^(Value error|Assertion failed), ", "", message)
    allowed = re.match(r"Input should be (.*)", message)
    if allowed is None:
        return "is missing, and has no default" if message == "Field required" else message
    said = re.split(r" or (?:an )?instance of |, (?:unable|got) ", allowed[1])[0]
    said = "a table" if " dictionary" in said else said
    shown = repr(given) if len(repr(given)) <= 80 else repr(given)[:80] + "…"
    return f"should be {_KINDS.get(said, said)}, not {shown}"


def _one_of(error: ValidationError, location: tuple[int | str, ...], given: Any) -> str:
    """What is said of a value that is in none of the lists of a union."""
    lists = [e["ctx"]["expected"] for e in error.errors() if e["loc"][:-1] == location]
    known = sorted({word for expected in lists for word in re.findall(r"'([^']*)'", expected)})
    return _none_of(given, known)


def _none_of(given: Any, known: Sequence[str]) -> str:
    meant = near(str(given), known)
    hint = f"; did you mean {' or '.join(meant)}?" if meant else ""
    return f"{given!r} is none of {', '.join(known)}{hint}"


@dataclass(frozen=True)
class OneOf:
    """A text in settings that is one of some names: `Annotated[str, OneOf(names)]`.

    Attributes:
        names: gives them when they are needed; a registry's, which may be added to.
    """

    names: Callable[[], Sequence[str]]

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def _check(self, given: str) -> str:
        known = sorted(self.names())
        if given not in known:
            raise PydanticCustomError("one_of", "{said}", {"said": _none_of(given, known)})
        return given


def _allowed_keys(model: type[BaseModel], location: tuple[int | str, ...]) -> str:
    """The keys allowed beside a misspelt one, walking into nested settings."""
    current: Any = model
    for part in location[:-1]:
        known = getattr(current, "model_fields", None)
        if known is not None:
            current = getattr(known.get(part), "annotation", None)
        else:  # a table or tuple of settings: go on to the class of its values
            current = next((a for a in get_args(current) if hasattr(a, "model_fields")), None)
    fields = getattr(current, "model_fields", None)
    return f"; known keys: {', '.join(sorted(fields))}" if fields else ""


def read_toml(path: Path) -> dict[str, Any]:
    """Parse a TOML file.

    Raises:
        SettingsError: missing, unreadable or not TOML; names the file and the place.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"{path}: no such settings file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read ({error})") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: not valid TOML: {error}") from None
