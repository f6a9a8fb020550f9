"""A kind of matter (molecules, crystals, a third one from outside), composed of parts.

It is a subclass of `Matter` that is registered as an entry point of the group `nucleate.matter`.
Everything else in Nucleate handles structures as *structure strings*: canonical SMILES for
molecules, the canonical Wyckoff string for crystals. Equal strings are equal structures; a string
holds all that is needed to rebuild, draw, score and export.

Life cycle: `reader.read_rows` streams a person's file; `reader.standardise` turns each row's
payload into a structure string or raises `StructureError`; `codecs.fit` learns a codec on the
training split; `Codec.encode` and `decode` go between strings and `Record`s; `properties` and
`checks` take lists of strings; `export` shows them.

A new kind is featurized, trained and sampled once it has a `Reader` (`read_rows`, `standardise`)
and `Codecs` (`fit`, `load`) of a `Codec` (`schema`, `encode`, `decode`, `to_json`); every other
part has defaults, and may come later, in any order. `nucleate.testing` has a suite for each.
"""

from __future__ import annotations

from typing import ClassVar

from nucleate.core.settings import Settings
from nucleate.matter.checks import Checks
from nucleate.matter.codec import Codecs
from nucleate.matter.conditions import Guide
from nucleate.matter.export import Export
from nucleate.matter.identity import Identity
from nucleate.matter.part import part
from nucleate.matter.properties import Properties
from nucleate.matter.reader import Reader
from nucleate.matter.variation import Variations


class Matter:
    """A kind of matter. An object is cheap to make: its parts are imported when they are needed.

    Attributes:
        name: under which it is registered.
        structure_column: of the tables that hold its structures.
        reader: files to structure strings; has no default.
        codecs: structure strings to arrays; has no default.
        identity: when structures are the same, how they are grouped, split and looked up.
        properties: numbers that are computed for structures.
        checks: of the screening's funnel.
        variations: how a search compares and changes structures.
        guide: generation under conditions.
        export: pictures, files and texts for people and other programs.
    """

    name: ClassVar[str]
    structure_column: ClassVar[str] = "structure"
    reader: Reader
    codecs: Codecs
    identity: Identity = part(Identity)
    properties: Properties = part(Properties)
    checks: Checks = part(Checks)
    variations: Variations = part(Variations)
    guide: Guide = part(Guide)
    export: Export = part(Export)

    def condition_options(self) -> type[Settings]:
        """Conditions that only this kind of matter knows: `guide.Options`, which may be had
        without what the guide itself imports."""
        return self.guide.Options
