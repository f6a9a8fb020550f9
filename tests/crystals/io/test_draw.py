"""Pictures of crystals: well-formed SVG with an atom for each that is seen."""

from __future__ import annotations

from xml.etree import ElementTree

from nucleate.crystals.io.draw import colour, draw

SVG = "{http://www.w3.org/2000/svg}"


def test_rock_salt_has_twelve_edges_and_its_atoms() -> None:
    picture = ElementTree.fromstring(draw("225 a:Na b:Cl | 5.64"))
    assert len(picture.findall(f"{SVG}line")) == 12
    circles = picture.findall(f"{SVG}circle")
    # 14 sodium and 13 chlorine atoms with faces repeated, each with a shine, and two of the legend.
    assert len(circles) == 2 * 27 + 2
    assert [text.text for text in picture.findall(f"{SVG}text")] == ["Na", "Cl"]
    assert {circle.get("fill") for circle in circles} == {colour(11), colour(17), "#fff"}


def test_nonsense_is_drawn_as_its_reason() -> None:
    picture = ElementTree.fromstring(draw("<nonsense>", width=100))
    assert picture.get("width") == "100"
    assert picture[0].text == "not_a_wyckoff_string"


def test_colours_are_jmols() -> None:
    assert colour(8) == "#ff0d0d"
