"""Settings of sampling and of the conditions that samples meet."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import ConfigDict, Field, model_validator

from nucleate.core.settings import Fraction, Positive, Settings


class Window(Settings):
    """Where a number shall lie, ends included. Also read from `2..3`, `2..`, `..3`, `>=2`, `<=3`,
    a whole number, which is both ends, or a list of both ends."""

    low: float | None = None
    """Lower end."""
    high: float | None = None
    """Upper end."""

    @model_validator(mode="before")
    @classmethod
    def _written(cls, value: Any) -> Any:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            value = f"{value:g}"
        if isinstance(value, str):
            return _ends(value)
        if isinstance(value, (list, tuple)) and len(value) == 2:
            return {"low": value[0], "high": value[1]}
        return value

    @model_validator(mode="after")
    def _in_order(self) -> Window:
        if self.low is None and self.high is None:
            raise ValueError("a window needs a lower or an upper end")
        if not all(math.isfinite(end) for end in (self.low, self.high) if end is not None):
            raise ValueError("the ends of a window are finite numbers")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"the lower end {self.low:g} exceeds the upper end {self.high:g}")
        return self

    def __str__(self) -> str:
        low, high = ("" if end is None else f"{end:g}" for end in (self.low, self.high))
        return f"{low}..{high}"


def _ends(text: str) -> dict[str, float | None]:
    """Both ends of a window as a person writes it."""
    written = text.replace(" ", "")
    if written.startswith((">=", "<=")):
        written = f"{written[2:]}.." if written[0] == ">" else f"..{written[2:]}"
    low, between, high = written.removeprefix("==").removeprefix("=").partition("..")
    try:
        if not between:
            exact = float(low)
            if not exact.is_integer():
                raise ValueError(
                    f"{text!r} is one value, which a real number never meets: write a window "
                    f"around it, such as {exact * 0.95:.4g}..{exact * 1.05:.4g}"
                    if exact >= 0
                    else f"{text!r} is one value: write a window around it, such as 2..3"
                )
            return {"low": exact, "high": exact}
        return {"low": float(low) if low else None, "high": float(high) if high else None}
    except ValueError as error:
        if "one value" in str(error):
            raise
        raise ValueError(f"{text!r} is not a window: write 2..3, >=2, <=3 or 5") from None


class ConditionSettings(Settings):
    """What every sampled structure shall meet. Conditions combine.

    Further keys belong to the kind of matter and are checked by its `Guide.Options`.
    """

    model_config = ConfigDict(extra="allow")

    like: str | None = None
    """A lead: structures near it, never itself. A SMILES; a CIF or POSCAR file or a Wyckoff
    string."""
    similarity: Window | None = None
    """Tanimoto similarity to the lead, 0 to 1; 0.4..0.8 if not given, in a search at least 0.4."""
    between: tuple[str, str] | None = None
    """Two structures: what lies between them."""
    scaffold: str | None = None
    """A part that every structure holds; where it has marks (`[*]`), it grows there, only there."""
    property: dict[str, Window] = Field(default_factory=dict)
    """By property, where it shall lie."""
    minimum_size: Positive | None = None
    """Heavy atoms of a molecule at least."""
    maximum_size: Positive | None = None
    """Heavy atoms of a molecule at most."""
    budget: Positive | None = None
    """Draws at most; 50 for each structure asked for, and no fewer than 5,000, if not given."""

    @model_validator(mode="after")
    def _agree(self) -> ConditionSettings:
        if self.like is not None and self.between is not None:
            raise ValueError("like and between exclude each other: both say where to start")
        if self.similarity is not None:
            if self.like is None:
                raise ValueError("similarity is that to a lead: give like as well")
            low, high = self.similarity.low, self.similarity.high
            if (low is not None and low > 1) or (high is not None and high < 0):
                raise ValueError(f"similarity {self.similarity} is empty: it lies between 0 and 1")
        sizes = (self.minimum_size, self.maximum_size)
        if sizes[0] is not None and sizes[1] is not None and sizes[0] > sizes[1]:
            raise ValueError(f"minimum_size {sizes[0]} exceeds maximum_size {sizes[1]}")
        return self

    def any(self) -> bool:
        """Whether there is any condition."""
        return bool(self.model_dump(exclude={"budget"}, exclude_defaults=True))


class SampleSettings(Settings):
    """Draws from the prior, or under conditions."""

    count: Positive = 1000
    """Draws, or structures that meet the conditions."""
    temperature: Annotated[float, Field(ge=0)] | None = None
    """Temperature of the decoder; 0 takes the likeliest. The model's own if not given."""
    continuous_temperature: Annotated[float, Field(ge=0)] | None = None
    """Temperature of the decoder's continuous fields, where it is lower than `temperature`; the
    model's own if not given."""
    prior_temperature: Annotated[float, Field(gt=0)] | None = None
    """Scale of the prior's noise; the model's own if not given."""
    noise: Fraction | None = None
    """Noise that the decoder takes for granted in latent vectors: 0 copies them, more writes what
    is usual near them, 1 ignores them. The model's own if not given."""
    blended: bool | None = None
    """Whether the prior's draws hold that noise; the model's own if not given."""
    resample: Annotated[int, Field(ge=0)] | None = None
    """Draws of coordinates and lattice, Wyckoff positions kept, where atoms overlap; 0 for none.
    The model's own if not given."""
    resample_temperature: Annotated[float, Field(gt=0)] | None = None
    """Temperature of those draws; the model's own if not given."""
    relief: bool | None = None
    """Whether atoms that still overlap are parted, symmetry kept; the model's own if not given."""
    conditions: ConditionSettings = ConditionSettings()
    """What every structure shall meet; nothing if empty. Temperature and noise then are those that
    suit the conditions if not given."""
