"""Draw docs/images/overview.svg: molecules sampled and screened, the funnel, and crystals.

python docs/images/make_overview.py
"""

from __future__ import annotations

from pathlib import Path

import nucleate
from nucleate.matter import registry

WIDTH, CELL, HIGH = 860, 140, 110
CHECKS = [{"name": name} for name in ("parses", "size", "alerts", "novel", "diverse")]


def picture(svg: str, x: float, y: float, label: str) -> str:
    """One drawing with a line under it."""
    body = svg.replace("<svg ", f"<svg x='{x}' y='{y}' ", 1)
    text = f"<text x='{x + CELL / 2}' y='{y + HIGH + 12}' text-anchor='middle'>{label}</text>"
    return body + text


def main() -> None:
    """Sample, screen, draw."""
    drawn = nucleate.sample("molecules", 300, seed=1)
    screened = nucleate.screen(drawn, objectives="qed", checks=CHECKS, processes=1)
    crystals = nucleate.sample("crystals", 6, seed=4, chemical_system="Li-Fe-O")
    fell = screened["rejected_by"].dropna()
    parts, left = [], len(screened)
    stages = [("sampled", left)]
    for check in [entry["name"] for entry in CHECKS]:
        left -= int((fell == check).sum())
        stages.append((check, left))
    for number, (name, count) in enumerate(stages):
        x, wide = 20, 620 * count / len(screened)
        y = 20 + 22 * number
        parts.append(f"<rect x='{x + 90}' y='{y}' width='{wide:.0f}' height='16' fill='#3b7ea1'/>")
        parts.append(f"<text x='{x}' y='{y + 12}'>{name}</text>")
        parts.append(f"<text x='{x + 96 + wide:.0f}' y='{y + 12}'>{count}</text>")
    best = screened[screened["passed"]].head(6)
    top = 30 + 22 * len(stages)
    draw = registry.get("molecules").export.draw
    for number, (smiles, qed) in enumerate(zip(best["smiles"], best["qed"], strict=True)):
        svg = draw(smiles, CELL, HIGH)
        parts.append(picture(svg, 10 + CELL * number, top, f"QED {qed:.2f}"))
    draw = registry.get("crystals").export.draw
    for number, row in enumerate(crystals.itertuples()):
        svg = draw(row.crystal, CELL, HIGH)
        label = f"{row.formula}, {row.space_group}"
        parts.append(picture(svg, 10 + CELL * number, top + HIGH + 24, label))
    height = top + 2 * (HIGH + 24)
    page = (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {height}' width='{WIDTH}' "
        f"height='{height}' font-family='sans-serif' font-size='12'>"
        f"<rect width='100%' height='100%' fill='white'/>{''.join(parts)}</svg>\n"
    )
    Path(__file__).with_name("overview.svg").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
