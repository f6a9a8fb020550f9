"""Options of the command line that are fields of settings.

Their types, bounds, defaults and help stand once, in the settings. A command names the fields that
it takes, and `SPELLINGS` says how those are written whose option is not `--` and the field's name:

    @app.command(cls=SettingsCommand)
    @from_settings("nucleate.settings.model:TrainSettings", "epochs batch start=--from")
    def train(features: Features, out: Out, given: Given, seed: Seed = 0) -> None:
        settings = given.settings()

`path!` is required, `table.*` stands for every field of a nested table and `-path` leaves one of
them out. Settings are imported when a command is called or its help is wanted, not before.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from types import GenericAlias
from typing import TYPE_CHECKING, Annotated, Any

import typer
import typer.main
from typer.core import TyperCommand

from nucleate.core.errors import SettingsError
from nucleate.core.settings import merge, read_toml, validate
from nucleate.settings.objective_texts import parse_objective

if TYPE_CHECKING:
    from nucleate.settings.fields import FieldFacts

_META = "nucleate.options"


@dataclass
class Given:
    """What was given on the command line of a command's settings.

    Attributes:
        model: the settings class.
        values: nested by key; nothing where an option was not given.
    """

    model: type[Any]
    values: dict[str, Any]

    def settings(self, **more: Any) -> Any:
        """The settings, of the command line alone.

        Args:
            more: further values.

        Raises:
            SettingsError: an impossible value, or one that is lacking.
        """
        return validate(self.model, merge(self.values, more), "command line")

    def over(self, file: Path | None, matter: str, section: str) -> Any:
        """The settings of a stage's file, if there is one, with what was given laid over them.

        Args:
            file: TOML with the keys of `model`, or a whole run's settings, of which
                `[matter.<matter>.<section>]` is taken.

        Raises:
            SettingsError: unknown key or impossible value.
        """
        values, where, run = read_stage(file)
        if run is not None:
            values = run.get(matter, {}).get(section, {})
            where += f" [matter.{matter}.{section}]"
        return validate(self.model, merge(values, self.values), where)


def read_stage(file: Path | None) -> tuple[dict[str, Any], str, dict[str, Any] | None]:
    """The values of a stage's settings file, its name for messages, and the tables of `matter` if
    it is that of a whole run, where the stage's values have to be looked for.

    Raises:
        SettingsError: missing or unreadable.
    """
    if file is None:
        return {}, "command line", None
    values = read_toml(file)
    run = values.get("matter")
    return values, str(file), run if isinstance(run, dict) else None


@dataclass(frozen=True)
class Spelling:
    """How a field is written on the command line.

    Attributes:
        names: of the option, separated by commas; `--` and the field's name if empty.
        metavar: of its value.
        kind: type of what is typed, a list if the option may be repeated; the field's own if None.
        read: the settings' value of what was typed.
        environment: variable that is read if the option is not given.
        hidden: whether help leaves it out.
        more: said after the field's own meaning.
    """

    names: str = ""
    metavar: str | None = None
    kind: Any = None
    read: Callable[[Any], Any] = lambda value: value
    environment: str | None = None
    hidden: bool = False
    more: str = ""


def comma_separated(texts: Sequence[str]) -> tuple[str, ...]:
    """Values of an option that takes several at once and may be repeated."""
    return tuple(part.strip() for text in texts for part in text.split(",") if part.strip())


def windows(texts: Sequence[str]) -> dict[str, str]:
    """Windows by property, from `logP=2..3`, `logP>=2` or `logP<=3`.

    Raises:
        SettingsError: a property without a window, or one given twice.
    """
    found: dict[str, str] = {}
    for text in texts:
        sign = next((s for s in (">=", "<=", "=") if s in text), "=")
        name, _, window = (part.strip() for part in text.partition(sign))
        name = name.removesuffix("=")  # NAME=>=LOW means what it looks like
        if not name or not window:
            raise SettingsError(f"--property {text}: write NAME=LOW..HIGH, NAME>=LOW or NAME<=HIGH")
        if name in found:
            raise SettingsError(f"--property {name} is given twice")
        found[name] = window if sign == "=" else sign + window
    return found


METAVARS = {
    "A-B-C": "chemical_system",
    "DIR": "features out results work",
    "DIR|NAME": "model",
    "FILE|NAME": "data",
    "FORMULA": "composition",
    "LIST": "exclude include space_group",
    "LOW..HIGH": "distance similarity",
    "N|A..B": "formula_units",
    "NAME": "run",
    "SMILES": "scaffold",
    "STRUCTURE": "like",
    "URL": "storage",
}
_REPEATED = "May be repeated."
SPELLINGS = {key: Spelling(metavar=m) for m, keys in METAVARS.items() for key in keys.split()} | {
    "checks": Spelling(
        metavar="NAME,...",
        kind=str,
        read=lambda text: comma_separated([text]),
    ),
    "mirror": Spelling(metavar="DIR", environment="NUCLEATE_DATA_MIRROR"),
    "objectives": Spelling(
        "--objective",
        "WHAT[:HOW]",
        list[str],
        lambda texts: [parse_objective(text) for text in texts],
        more="Written as qed, sa_score:minimise, logp:target=2.5, logp:range=1..3,weight=0.5 or "
        f"head=NAME:minimise. {_REPEATED}",
    ),
    "properties": Spelling("--property", "COLUMN", more=_REPEATED),
    "property": Spelling("--property", "NAME=LOW..HIGH", list[str], windows, more=_REPEATED),
    "reference": Spelling(
        "--known",
        "FILE|NAME",
        list[str],
        lambda names: [{"source": name} for name in names],
        more=_REPEATED,
    ),
    "source": Spelling("--input", "FILE|NAME"),
}
"""By the last key of a field's path."""
_PANELS = {"conditions": "Conditions", "local": "Conditions"}


@dataclass(frozen=True)
class _Option:
    """One field as an option: where its value goes, and how it is written."""

    path: str
    facts: FieldFacts
    spelling: Spelling
    required: bool
    panel: str | None
    default: bool = True

    @property
    def name(self) -> str:
        return self.path.replace(".", "__")

    def parameter(self) -> inspect.Parameter:
        """As a parameter of a command's function."""
        facts, spelling = self.facts, self.spelling
        kind = spelling.kind or facts.kind
        if kind in (list, tuple):
            kind = GenericAlias(kind, facts.members)
        elif kind not in (bool, int, float, str, list[str]):
            kind = str  # a table that reads a text
        meaning, metavar = f"{facts.meaning} {spelling.more}".strip(), spelling.metavar
        if metavar is None and 0 < len(listed := "|".join(facts.choices)) < 50:
            metavar = listed
        elif facts.choices:
            meaning += f" One of {', '.join(facts.choices)}."
        plain = self.path.rpartition(".")[2].replace("_", "-")
        usual = f"--{plain}/--no-{plain}" if kind is bool else f"--{plain}"
        option = typer.Option(
            *(spelling.names or usual).split(","),
            help=meaning.replace("[", r"\["),
            metavar=metavar,
            show_default=(self.default and facts.default) or False,
            envvar=spelling.environment,
            hidden=spelling.hidden,
            min=facts.low,
            max=facts.high,
            rich_help_panel=self.panel,
        )
        return inspect.Parameter(
            self.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if self.required else None,
            annotation=Annotated[kind if self.required else kind | None, option],
        )


def _options(
    model: type[Any], fields: str, spellings: Mapping[str, Spelling], defaults: bool
) -> Iterator[_Option]:
    """The options that a list of fields stands for."""
    from nucleate.settings.fields import field_facts, settings_at

    words = fields.split()
    left_out = {word[1:] for word in words if word.startswith("-")}
    for word in words:
        path, _, names = word.partition("=")
        path, required = path.removesuffix("!"), path.endswith("!")
        table, _, key = path.rpartition(".")
        panel = _PANELS.get(table)
        facts = field_facts(settings_at(model, table)) if not word.startswith("-") else {}
        for name in facts if key == "*" else [key] if facts else []:
            whole = f"{table}.{name}" if table else name
            spelling = spellings.get(name, Spelling())
            if names:
                spelling = replace(spelling, names=names)
            if whole not in left_out:
                yield _Option(whole, facts[name], spelling, required, panel, defaults)
        if key == "*" and panel:
            for kind, name, own in _conditions_of_matter():
                spelling = spellings.get(name, Spelling())
                yield _Option(f"{table}.{name}", own, spelling, False, f"{panel} on {kind}")


def _conditions_of_matter() -> Iterator[tuple[str, str, FieldFacts]]:
    """Conditions that only one kind of matter knows: the kind, the key, its facts."""
    from nucleate.matter import registry
    from nucleate.settings.fields import field_facts

    taken: set[str] = set()
    for kind in registry.names():
        with suppress(Exception):  # another kind's package may be broken
            facts = field_facts(registry.get(kind).condition_options())
            yield from ((kind, name, own) for name, own in facts.items() if name not in taken)
            taken |= set(facts)


class SettingsCommand(TyperCommand):
    """A command whose function may take settings, see `from_settings`."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The options of the function and, where its parameter `given` is, those of settings."""
        params = super().get_params(ctx)
        place = getattr(self.callback, "given_place", 0)
        return [*params[:place], *self._settings_options[1], *params[place:]]

    @functools.cached_property
    def _settings_options(self) -> tuple[list[_Option], list[Any]]:
        def declare(**_: Any) -> None: ...

        options: list[_Option] = getattr(self.callback, "given_options", list)()
        parameters = [option.parameter() for option in options]
        declare.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        one = typer.Typer(add_completion=False)
        one.command()(declare)
        return options, typer.main.get_command(one).params

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """See the command-line library, which takes the next option for a value that is missing."""
        several = {name: p for p in self.get_params(ctx) if p.nargs > 1 for name in p.opts}
        for place, word in enumerate(args):
            if word in several:
                most = several[word].nargs
                given = args[place + 1 : place + 1 + most]
                if len(given) < most or any(one.startswith("-") for one in given):
                    example = f"{word} {' '.join('AB'[:most])}"
                    ctx.fail(f"{word} takes {most} values, one after the other: {example}")
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Put what was given of the settings aside for the function, and call it."""
        values: dict[str, Any] = {}
        for option in self._settings_options[0]:
            value = ctx.params.pop(option.name)
            if value is None or value in ((), []):
                continue
            *tables, key = option.path.split(".")
            table = values
            for name in tables:
                table = table.setdefault(name, {})
            table[key] = option.spelling.read(list(value) if isinstance(value, tuple) else value)
        ctx.meta[_META] = values
        return super().invoke(ctx)


def from_settings(
    settings: str,
    fields: str,
    spellings: Mapping[str, Spelling] | None = None,
    *,
    defaults: bool = True,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command's function, as `given`, what was given of the fields of settings.

    Args:
        settings: their class, `module:class`.
        fields: dotted paths, see the module.
        spellings: of this command's own, beside `SPELLINGS`.
        defaults: whether help tells the settings' defaults; if not, another default holds.
    """

    def model() -> type[Any]:
        module, _, name = settings.partition(":")
        found: type[Any] = getattr(import_module(module), name)
        return found

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        parameters = inspect.signature(function, eval_str=True).parameters

        @functools.wraps(function)
        def command(context: typer.Context, **arguments: Any) -> None:
            function(given=Given(model(), context.meta[_META]), **arguments)

        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        context = inspect.Parameter("context", kind, annotation=typer.Context)
        own = [context, *(p for name, p in parameters.items() if name != "given")]
        command.__annotations__ = {p.name: p.annotation for p in own}
        vars(command).update(
            __signature__=inspect.Signature(own),
            given_place=list(parameters).index("given"),
            given_options=lambda: list(
                _options(model(), fields, {**SPELLINGS, **(spellings or {})}, defaults)
            ),
        )
        return command

    return decorate
