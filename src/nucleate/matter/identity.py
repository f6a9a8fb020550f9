"""By what structures of a kind of matter are looked up among known ones."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from nucleate.core.files import code_version


class Identified(NamedTuple):
    """What a structure is looked up by.

    Attributes:
        keys: one text for each of `Identity.kinds`.
        sketch: [`Identity.sketch_size`], of `Identity.sketch_type`; None if it has none.
    """

    keys: tuple[str, ...]
    sketch: NDArray[Any] | None = None


class Identity(ABC):
    """By what structures of a kind of matter are told to be known.

    Attributes:
        kinds: of key, the strictest first: structures of equal first key are equal.
        sketch_size, sketch_type: of the array by which near structures are found; size 0 if there
            is none.
    """

    kinds: ClassVar[tuple[str, ...]] = ("structure",)
    sketch_size: ClassVar[int] = 0
    sketch_type: ClassVar[DTypeLike] = np.uint64

    @abstractmethod
    def of(self, structure: str) -> Identified | None:
        """Keys and sketch of a canonical structure; None where it cannot be read."""

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


class PlainIdentity(Identity):
    """Of a kind of matter that states none: the structure string."""

    def of(self, structure: str) -> Identified | None:
        return Identified((structure,))
