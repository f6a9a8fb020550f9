"""The suites that the parts of a kind of matter pass: subclass `MatterTestCase`, or that of a part.

class TestMine(MatterTestCase):
    @pytest.fixture
    def matter(self) -> Matter:
        return Mine()

    @pytest.fixture
    def structures(self) -> list[str]:
        return ["ACGT", "AAAC", "AAAA"]

    @pytest.fixture
    def source(self, structures: list[str], tmp_path: Path) -> Path:
        (tmp_path / "mine.csv").write_text("sequence\\n" + "\\n".join(structures))
        return tmp_path / "mine.csv"
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any, ClassVar
from xml.etree import ElementTree

import numpy as np
import pytest

from nucleate.core.errors import InputError, SettingsError, StructureError
from nucleate.matter.base import Matter
from nucleate.settings.data import DatasetSettings
from nucleate.settings.sample import ConditionSettings
from nucleate.testing.pytest_checks import ChecksTestCase
from nucleate.testing.pytest_codecs import CodecTestCase


class PartTestCase:
    """What the suites of all parts need."""

    @pytest.fixture
    def matter(self) -> Matter:
        """The kind of matter that is tested."""
        raise NotImplementedError

    @pytest.fixture
    def structures(self) -> list[str]:
        """Three different canonical structures or more."""
        raise NotImplementedError


class ReaderTestCase(PartTestCase):
    """What every `Reader` keeps."""

    unreadable: ClassVar[tuple[Any, ...]] = ("", "no structure at all")
    """Payloads that are refused."""

    @pytest.fixture
    def source(self, structures: list[str], tmp_path: Path) -> Path:
        """A file of the structures, in order."""
        raise NotImplementedError

    def test_rows_are_numbered_and_small(self, matter: Matter, source: Path) -> None:
        rows = list(matter.reader.read_rows(source, DatasetSettings(source=str(source))))
        assert [row.number for row in rows] == list(range(1, len(rows) + 1))
        pickle.dumps(rows)  # raises where workers could not be sent them

    def test_rows_become_structures(
        self, matter: Matter, source: Path, structures: list[str]
    ) -> None:
        options = matter.reader.resolve({}, "test")
        rows = matter.reader.read_rows(source, DatasetSettings(source=str(source)))
        found = [matter.reader.standardise(row.payload, options) for row in rows]
        assert [one.structure for one in found] == structures
        assert [one.key for one in found] == [matter.identity.key(one) for one in structures]
        matter.reader.resolve(dict(matter.reader.screening_options), "test")

    def test_the_limit_is_heeded(self, matter: Matter, source: Path) -> None:
        dataset = DatasetSettings(source=str(source), limit=2)
        assert len(list(matter.reader.read_rows(source, dataset))) == 2

    def test_a_file_that_is_missing_is_told(self, matter: Matter, tmp_path: Path) -> None:
        path = tmp_path / "missing.csv"
        with pytest.raises(InputError, match=r"missing\.csv"):
            list(matter.reader.read_rows(path, DatasetSettings(source=str(path))))

    def test_what_cannot_be_read_is_refused_with_a_reason(self, matter: Matter) -> None:
        options = matter.reader.resolve({}, "test")
        for payload in self.unreadable:
            with pytest.raises(StructureError) as caught:
                matter.reader.standardise(payload, options)
            assert caught.value.reason

    def test_a_structure_states_itself(self, matter: Matter, structures: list[str]) -> None:
        assert not any(matter.reader.differs(one, one) for one in structures)

    def test_unknown_options_of_reading_are_told(self, matter: Matter) -> None:
        with pytest.raises(SettingsError, match="here"):
            matter.reader.resolve({"no_such_option": 1}, "here")


class IdentityTestCase(PartTestCase):
    """What every `Identity` keeps."""

    def test_only_equal_structures_are_the_same(
        self, matter: Matter, structures: list[str]
    ) -> None:
        identity = matter.identity
        for first in structures:
            assert identity.are_same(first, first)
            assert identity.are_duplicates(first, first)
            for second in structures:
                if identity.are_duplicates(first, second):
                    assert identity.key(first) == identity.key(second)
                if first != second:
                    assert not identity.are_same(first, second)

    def test_splits_and_groups_have_keys(self, matter: Matter, structures: list[str]) -> None:
        identity = matter.identity
        options = identity.resolve_hold_out({}, "test")
        keys = {kind: [identity.split_key(s, kind) for s in structures] for kind in
                ("random", *identity.split_kinds)}  # fmt: skip
        assert len(set(keys["random"])) == len(structures)
        for values in (*keys.values(), *(map(k, structures) for k in identity.groups().values())):
            assert all(isinstance(value, str) and value for value in values)
        assert all(identity.may_hold_out(structure, options) for structure in structures)

    def test_it_is_looked_up_by_keys_and_a_sketch(
        self, matter: Matter, structures: list[str]
    ) -> None:
        identity = matter.identity
        for structure in structures:
            found = identity.of(structure)
            assert found is not None
            assert len(found.keys) == len(identity.kinds)
            if identity.sketch_size:
                assert found.sketch is not None
                assert found.sketch.shape == (identity.sketch_size,)
                assert found.sketch.dtype == np.dtype(identity.sketch_type)
            else:
                assert found.sketch is None
        assert identity.version() == identity.version() != ""
        identity.of("no structure at all")


class PropertiesTestCase(PartTestCase):
    """What every `Properties` keeps."""

    def test_usual_ones_are_computed_for_many(self, matter: Matter, structures: list[str]) -> None:
        known = matter.properties.descriptions()
        assert set(matter.properties.usual()) <= set(known)
        for name in matter.properties.usual():
            assert known[name] == known[name].strip() != ""
            try:
                built = matter.properties.build(name, {})
            except SettingsError:
                continue  # it takes arguments
            values = built.compute(structures)
            assert values.shape == (len(structures),)
            assert values.dtype == np.float64
            backwards = built.compute(structures[::-1])
            np.testing.assert_allclose(backwards[::-1], values, rtol=1e-5, atol=1e-5, err_msg=name)
            assert built.compute([]).shape == (0,)

    def test_unknown_names_and_arguments_are_told(self, matter: Matter) -> None:
        with pytest.raises(SettingsError, match=f"no property named 'nonsense' for {matter.name}"):
            matter.properties.build("nonsense", {})
        for name in matter.properties.usual():
            with pytest.raises(SettingsError, match=name):
                matter.properties.build(name, {"no_such_argument": 1})

    def test_default_objectives_can_be_built(self, matter: Matter) -> None:
        for term in matter.properties.default_objectives():
            assert matter.properties.build(term.property, term.arguments).name == term.property


class VariationsTestCase(PartTestCase):
    """What every `Variations` keeps."""

    def test_structures_are_compared_by_features(
        self, matter: Matter, structures: list[str]
    ) -> None:
        comparison = matter.variations.comparison()
        if comparison is None:
            return
        groups = comparison.features(structures)
        for name, values in groups.items():
            assert values.shape[0] == len(structures)
            assert values.dtype in (np.uint8, np.float32)
            assert np.isfinite(values).all()
            np.testing.assert_array_equal(comparison.features(structures, [name])[name], values)
            alone = np.concatenate([comparison.features([s])[name] for s in structures])
            np.testing.assert_allclose(alone, values, rtol=1e-5, atol=1e-6)

    def test_edits_give_canonical_structures(self, matter: Matter, structures: list[str]) -> None:
        codec = matter.codecs.fit(structures, matter.codecs.resolve({}, "test"), 0)
        pairs = list(zip(structures, structures[1:] + structures[:1], strict=True))
        for edits in matter.variations.edits(codec).values():
            for found in (edits.mutate(structures, 0), edits.cross(pairs, 0)):
                assert len(found) == len(structures)
                for structure in filter(None, found):
                    assert matter.identity.of(structure) is not None
            assert edits.mutate(structures, 1) == edits.mutate(structures, 1)
            assert edits.mutate([], 0) == edits.cross([], 0) == []

    def test_masks_of_regrowth_are_one_a_row(self, matter: Matter, structures: list[str]) -> None:
        codec = matter.codecs.fit(structures, matter.codecs.resolve({}, "test"), 0)
        masks = matter.variations.regrowth(codec, [*structures, None], 0)
        if masks is not None:
            assert masks.schema.to_json() == codec.schema.to_json()
            masks.rows(0, len(structures))


class GuideTestCase(PartTestCase):
    """What every `Guide` keeps.

    Attributes:
        reads: whether it reads leads and tells how near structures are to one.
    """

    reads: ClassVar[bool] = True

    def test_leads_are_read(self, matter: Matter, structures: list[str]) -> None:
        if self.reads:
            assert [matter.guide.read(one, "like") for one in structures] == structures
        with pytest.raises(SettingsError, match="like"):
            matter.guide.read("no structure at all", "like")

    def test_nothing_is_nearer_than_itself(self, matter: Matter, structures: list[str]) -> None:
        guide = matter.guide
        if not self.reads:
            return
        for place, lead in enumerate(structures):
            columns = guide.near(structures, lead)
            assert next(iter(columns)) == guide.nearness[0]
            assert all(values.shape == (len(structures),) for values in columns.values())
            nearness = guide.nearer * columns[guide.nearness[0]]
            assert int(nearness.argmax()) == place

    def test_conditions_ask_for_nothing_unless_they_do(self, matter: Matter) -> None:
        nothing = ConditionSettings()
        matter.guide.options(nothing)
        assert matter.guide.constraint(nothing, None) is None
        with pytest.raises(SettingsError, match="no_such_condition"):
            matter.guide.options(ConditionSettings.model_validate({"no_such_condition": 1}))

    def test_properties_are_named_in_any_case(self, matter: Matter) -> None:
        for name in matter.properties.usual():
            assert matter.guide.property_name(name) == name
            assert str(matter.guide.property_name(name.upper())).lower() == name.lower()
        assert matter.guide.property_name("nonsense") is None
        size = matter.guide.size_property
        assert size is None or size in matter.properties.descriptions()


class ExportTestCase(PartTestCase):
    """What every `Export` keeps."""

    def _rows(self, matter: Matter, structures: list[str]) -> list[dict[str, Any]]:
        return [
            {
                "id": f"row {i}", "candidate_id": f"c-{i}", "structure": structure,
                matter.structure_column: structure, "score": 0.5, "latent": [0.1, 0.2],
                "log_likelihood": float("nan"), "reconstructed": None if i else structure,
            }
            for i, structure in enumerate(structures)
        ]  # fmt: skip

    def test_structures_are_shown(self, matter: Matter, structures: list[str]) -> None:
        for structure in structures:
            assert matter.export.title(structure)
            assert all(isinstance(name, str) for name in matter.export.describe(structure))
            assert matter.export.exchange(structure) == matter.export.exchange(structure) != ""
        assert len({matter.export.exchange(one) for one in structures}) == len(structures)

    def test_pictures_are_self_contained(self, matter: Matter, structures: list[str]) -> None:
        for structure in (*structures, "<no structure & none>"):
            picture = matter.export.draw(structure)
            assert ElementTree.fromstring(picture).tag.endswith("svg")
            assert "href" not in picture

    def test_files_are_written_also_of_nothing(
        self, matter: Matter, structures: list[str], tmp_path: Path
    ) -> None:
        for name, rows in (("some", self._rows(matter, structures)), ("none", [])):
            folder = tmp_path / name
            samples = matter.export.write_samples(folder, rows)
            rebuilt = matter.export.write_reconstructions(folder, rows)
            assert samples.stem == "samples"
            assert {path.stem for path in rebuilt} <= {"reconstructed"}
            written = {samples, *rebuilt, *matter.export.write_candidates(folder, rows)}
            written.update(matter.export.write_best(folder, rows))
            assert {path.name for path in folder.iterdir()} == {path.name for path in written}


class MatterTestCase(
    ReaderTestCase,
    IdentityTestCase,
    CodecTestCase,
    PropertiesTestCase,
    ChecksTestCase,
    VariationsTestCase,
    GuideTestCase,
    ExportTestCase,
):
    """All parts of a kind of matter."""
