"""What a person's functions and programs are given: SMILES, CIF or structure strings."""

import json
import sys

import numpy as np
import pytest

from nucleate.core.errors import SettingsError, StructureError
from nucleate.matter.part import part
from nucleate.objectives.build_objectives import build, check
from nucleate.objectives.exchange import exchange_of
from nucleate.objectives.property import Answer
from nucleate.settings.objectives import PropertySettings, PythonSource, source_of
from nucleate.testing.toy_matter import ToyExport, ToyMatter


class SpokenExport(ToyExport):
    """Numbers joined by dots; nines cannot be told."""

    exchange_key = "dots"

    def exchange(self, structure):
        if structure.startswith("9"):
            raise StructureError("nine", "not to be told")
        return structure.replace(",", ".")


class Spoken(ToyMatter):
    export = part(SpokenExport)


def exchange(given_as="exchange", matter=None):
    return exchange_of(matter or Spoken(), PythonSource(python="a:b", given_as=given_as))


def test_what_cannot_be_written_costs_only_itself():
    asked = []

    def answer(texts):
        asked.extend(texts)
        return [Answer(float(text[0])) for text in texts]

    answers = exchange().answers(["1,2", "9,2", "3,4"], answer)
    assert asked == ["1.2", "3.4"]
    assert [a.value for a in answers] == pytest.approx([1, np.nan, 3], nan_ok=True)
    assert answers[1].reason == "nine: not to be told"
    assert exchange().answers(["9,2"], lambda texts: 1 / 0)[0].reason  # nothing to ask


def test_features_of_what_cannot_be_written_are_missing():
    def lengths(texts):
        return [[len(text), 1.0] for text in texts]

    rows = exchange().features(lengths)(["1,2", "9,2"])
    np.testing.assert_array_equal(rows, [[3, 1], [np.nan, np.nan]])
    assert exchange().features(lambda texts: [1.0])(["9,2"]).shape == (1,)  # wrong: left as it is


def test_structure_strings_go_out_as_they_are():
    given = exchange("structure").write(["9,2"])
    assert (exchange("structure").key, given.texts) == ("", ["9,2"])
    assert exchange(matter=ToyMatter()).key == "numbers"
    assert exchange().key == "dots"


@pytest.mark.parametrize(
    ("values", "keys"),
    [({}, "id,structure,dots"), ({"as": "structure"}, "id,structure")],
)
def test_a_program_gets_both(tmp_path, values, keys):
    path = tmp_path / "echo.py"
    path.write_text(
        "import json, sys\n"
        "for line in sys.stdin:\n"
        "    item = json.loads(line)\n"
        "    said = ','.join(item) + ' ' + item.get('dots', '')\n"
        "    print(json.dumps({'id': item['id'], 'error': said}))\n"
    )
    term = PropertySettings(command=[sys.executable, "-S", str(path)], **values)
    built = build(Spoken(), None, term)
    built.compute(["1,2,3,4", "9,0,0,0"])
    dots = "" if values else "1.2.3.4"
    assert built.failures["1,2,3,4"] == f"{keys} {dots}"
    assert ("nine" in built.failures["9,0,0,0"]) == (not values)


def test_the_key_is_called_as_in_settings():
    term = PropertySettings(python="a:b", **{"as": "structure"})
    again = PropertySettings(**json.loads(term.model_dump_json()))
    assert source_of(again).given_as == "structure"
    with pytest.raises(ValueError, match=r"as: should be 'exchange' or 'structure'"):
        PropertySettings(python="a:b", **{"as": "cif"})
    with pytest.raises(ValueError, match=r"known keys: arguments, as, constraint, each, .*"):
        PropertySettings(python="a:b", given_as="structure")


def test_terms_are_checked_before_any_work(tmp_path):
    (tmp_path / "mine.py").write_text("def score(texts):\n    return [0.0] * len(texts)\n")
    check(ToyMatter(), PropertySettings(python="mine.py:score"), tmp_path)
    check(ToyMatter(), PropertySettings(head="gap"), tmp_path)
    for wrong, message in (
        ({"python": "mine.py:scroe"}, "no function 'scroe'; it has: score"),
        ({"command": ["no_such_program"]}, "no program 'no_such_program'"),
        ({"property": "smu"}, "known: sum, spread"),
        ({"column": "y", "data": "d", "features": "mine.py:f"}, "no function 'f'"),
    ):
        with pytest.raises(SettingsError, match=message):
            check(ToyMatter(), PropertySettings(**wrong), tmp_path)
