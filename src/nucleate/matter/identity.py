"""Part of a kind of matter: by what structures are told apart, grouped and looked up."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from nucleate.core.files import code_version
from nucleate.core.settings import Settings, validate
from nucleate.matter.part import MatterPart


class Identified(NamedTuple):
    """What a structure is looked up by.

    Attributes:
        keys: one text for each of `Identity.kinds`.
        sketch: [`Identity.sketch_size`], of `Identity.sketch_type`; None if it has none.
    """

    keys: tuple[str, ...]
    sketch: NDArray[Any] | None = None


class Identity(MatterPart):
    """By what structures of a kind of matter are told apart; if not overridden, by their strings.

    Attributes:
        kinds: of key, the strictest first: structures of equal first key are equal.
        sketch_size, sketch_type: of the array by which near structures are found; size 0 if there
            is none.
        split_kinds: of `split_key`: ways to split a dataset.
        HoldOutOptions: the settings' `split.hold_out`.
    """

    kinds: ClassVar[tuple[str, ...]] = ("structure",)
    sketch_size: ClassVar[int] = 0
    sketch_type: ClassVar[DTypeLike] = np.uint64
    split_kinds: ClassVar[tuple[str, ...]] = ("random",)
    HoldOutOptions: ClassVar[type[Settings]] = Settings

    def are_same(self, first: str, second: str) -> bool:
        """Whether two structures are the same by the field's own definition."""
        return first == second

    def are_duplicates(self, first: str, second: str) -> bool:
        """Whether a row of a dataset repeats another one of equal key.

        `are_same` if not overridden; it may be stricter, and must be quick where most pairs differ.
        """
        return self.are_same(first, second)

    def bucket(self, structure: str) -> str:
        """A cheap text that is equal for structures which are the same (see `first_same`): only
        those of one bucket are compared. The structure itself if not overridden.

        Raises:
            StructureError: it cannot be read.
        """
        return structure

    def first_same(self, structure: str, others: Sequence[str]) -> int | None:
        """Place of one of the others that is the same as a structure to a study, to novelty and to
        ranking, whatever they are written like; None if there is none.

        Args:
            others: distinct, all of the structure's bucket; the most alike may be looked at first.
        """
        return next((place for place, one in enumerate(others) if one == structure), None)

    def bundled(self) -> Collection[str]:
        """Structures that come with the package and are known, whatever else is."""
        return ()

    def key(self, structure: str) -> str:
        """`Standardised.key` of a structure string that is already canonical."""
        return structure

    def split_key(self, structure: str, kind: str) -> str:
        """Rows of equal split key go to the same split; `kind` is one of `split_kinds`."""
        return structure

    def may_hold_out(self, structure: str, options: Any) -> bool:
        """Whether a structure may be in the test or validation split.

        Args:
            options: `HoldOutOptions`.
        """
        return True

    def resolve_hold_out(self, options: Mapping[str, Any], where: str) -> Any:
        """`HoldOutOptions` of a settings file's section; `where` names it in an error."""
        return validate(self.HoldOutOptions, options, where)

    def groups(self) -> dict[str, Callable[[str], str]]:
        """Keys, by kind, that structures share which are variations of one another; the natural
        kind first."""
        kinds = [kind for kind in self.split_kinds if kind != "random"]
        return {kind: partial(self.split_key, kind=kind) for kind in kinds}

    def of(self, structure: str) -> Identified | None:
        """Keys and sketch of a canonical structure; None where it cannot be read."""
        return Identified((structure,))

    def version(self) -> str:
        """Changes with whatever gives equal structures other texts: the code, if not overridden."""
        return code_version()


def version_of(library: str, *modules: str) -> str:
    """A library's version and a digest of modules of ours, for `Identity.version`.

    Keys of millions of structures take long to make: they outlive changes of other code.
    """
    total = hashlib.sha256()
    for module in modules:
        spec = find_spec(module)
        if spec is None or spec.origin is None:
            raise ValueError(f"no module {module}")
        total.update(Path(spec.origin).read_bytes())
    return f"{library} {version(library)}, {total.hexdigest()[:16]}"
