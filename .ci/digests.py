"""Records digests of what every command writes, and compares them with those of another tree.

    .venv/bin/python .ci/digests.py record FILE.json [--tree DIR] [--work DIR] [--only NAME,...]
    .venv/bin/python .ci/digests.py compare FILE.json [same options]

The commands of `COMMANDS` run one after the other with fixed seeds in a scratch folder, with the
code of DIR/src. Of what each wrote the content is digested, without times, paths and versions, and
floats to six digits; besides its exit status and, of listings, what it printed. `--only` runs
commands and what they need. With `--work` (a new folder) all files stay, to look at what differs,
and what COMMAND printed, in `.COMMAND.log`.

Not digested: terminal output but of listings (that of `runs` holds dates), Optuna's journals (their
results are), and of HTML pages more than that they are there.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as parquet

PROGRAM = [sys.executable, "-c", "from nucleate.cli import main; main()"]
"""The command line of both trees."""
DROPPED = {
    "seconds", "training_seconds", "structures_per_second", "created", "updated", "code_version",
    "key", "settings_digest", "sha256", "nucleate", "python", "platform", "packages",
    "date", "code", "machine",
}  # fmt: skip
"""Keys of JSON and columns of tables that hold times, speeds, versions or digests of these."""
DIGEST = re.compile(r"\b(?:[0-9a-f]{64}|[0-9a-f]{12})\b")
"""Digests within texts: they depend on the code's version."""
DATE = re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?\S*")
FLOAT = re.compile(r"(?<![\w.])-?\d+\.\d+(?:[eE][+-]?\d+)?(?![\w.])")
SKIPPED = {".journal", ".lock", ".md", ".svg"}
TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "U8": "u1"}
"""Of safetensors; others are digested as bytes."""

HELPED = "featurize train finetune sample reconstruct optimize screen propose tell discover"
COMMANDS = """
datasets-list!: datasets list --json @.json ; datasets-show!: datasets show nci ; checks-molecules!: checks --matter molecules --json @.json
checks-crystals!: checks --matter crystals --json @.json ; checks-options!: checks --matter molecules alerts size embedding
checks-options-crystals!: checks --matter crystals distances relaxation ; objectives-molecules!: objectives --matter molecules --all --json @.json
objectives-crystals!: objectives --matter crystals --json @.json ; models-list!: models --json @.json ; models-show!: models show crystals
help!: --help ; wrong-option: sample --model molecules --cuont 3 --out @
wrong-condition: sample --model crystals --composition LiFePO4 --include Na -n 2 --out @
featurize-molecules: featurize --matter molecules --input nci --limit 300 --out @ --json @.json
featurize-crystals: featurize --matter crystals --input prototypes --limit 200 --split formula --property energy_per_atom --out @
featurize-rejected: featurize --matter molecules --input rows.csv --property pIC50 --split scaffold --out @ --json @.json
featurize-few: featurize --matter molecules --input garbage.csv --out @
featurize-cifs: featurize --matter crystals --input cifs --start crystals --out @
featurize-started: featurize --matter molecules --input nci --limit 150 --start molecules --extend --out @
wrong-key: train --features featurize-molecules --settings wrong.toml --out @
train-molecules: train --features featurize-molecules --settings train.toml --seed 3 --out @ --json @.json
train-crystals: train --features featurize-crystals --settings train.toml --seed 3 --out @
train-transformer: train --features featurize-molecules --settings transformer.toml --out @
train-started: train --features featurize-molecules --settings train.toml --start train-molecules --out @
average: models average train-molecules train-started --features featurize-molecules --out @
prior-mixture: models prior --model average --kind gaussian_mixture --components 4 --out @
prior-flow: models prior --model train-crystals --steps 40 --width 32 --out @
benchmark-molecules: benchmark molecules --model molecules --train featurize-started --test featurize-started --suite table --table-samples 50 --seeds 1 --reconstruct 10 --stochastic 3 --neighbourhood 5 --midpoints 5 --pairs 50 --limit 80 --no-timed --no-controls --processes 1 --out benchmark-molecules
benchmark-crystals: benchmark crystals --model crystals --features featurize-crystals --suite reconstruction -n 4 --no-controls --out benchmark-crystals
finetune: finetune --model molecules --settings finetune.toml --input rows.csv --property pIC50 --out @ --json @.json
finetune-frozen: finetune --model train-crystals --settings finetune.toml --input cifs --frozen --out @
reconstruct-molecules: reconstruct --model molecules --input nci --limit 50 --out @ --json @.json
reconstruct-crystals: reconstruct --model crystals --input prototypes --limit 50 --out @
reconstruct-refined: reconstruct --model crystals --input cifs --refine --inference-steps 3 --out @
sample-molecules: sample --model molecules -n 50 --seed 1 --out @ --json @.json
sample-own: sample --model prior-mixture -n 50 --seed 1 --temperature 0.5 --out @
sample-like: sample --model molecules --like CC(=O)Nc1ccc(O)cc1 --similarity 0.4..0.8 -n 20 --out @
sample-between: sample --model molecules --between CC(=O)Nc1ccc(O)cc1 CC(C)Cc1ccc(C(C)C(=O)O)cc1 -n 20 --out @
sample-scaffold: sample --model molecules --scaffold [*]c1ccc2ncccc2c1 -n 20 --out @
sample-holding: sample --model molecules --scaffold O=C1CCCN1 --maximum-size 25 -n 10 --out @
sample-property: sample --model molecules --property logP=2..3 --property QED>=0.6 -n 20 --noise 0.5 --out @
sample-head: sample --model finetune --property pIC50>=5.5 -n 10 --out @
sample-crystals: sample --model crystals -n 40 --seed 1 --out @ --json @.json
sample-composition: sample --model crystals --composition LiFePO4 --formula-units 1..2 -n 5 --out @
sample-system: sample --model crystals --chemical-system Li-Fe-O --space-group cubic -n 10 --out @
sample-elements: sample --model crystals --include Li,O --exclude Pb,Cd --maximum-atoms 12 -n 20 --out @
sample-crystal-like: sample --model crystals --like cifs/SrTiO3.cif --distance 0.05..0.4 -n 10 --out @
sample-crystal-between: sample --model crystals --between cifs/SrTiO3.cif cifs/KMgF3.cif -n 5 --out @
optimize: optimize --model molecules --objective qed --trials 150 --seed 1 --out @ --json @.json
optimize-latent: optimize --model molecules --objective qed --trials 100 --sampler latent --out @
optimize-edits: optimize --model molecules --objective qed --trials 60 --sampler edits+screen --out @
optimize-tokens: optimize --model molecules --objective qed --trials 100 --sampler token-edits --out @
optimize-tokens-more: optimize --model molecules --objective qed --trials 140 --sampler token-edits --out optimize-tokens
optimize-screened: optimize --model molecules --objective logp:target=2.5,tolerance=0.5 --trials 60 --sampler token-edits+screen --out @
optimize-prior: optimize --model molecules --objective qed --trials 60 --sampler random-prior --out @
optimize-data: optimize --model molecules --objective qed --trials 30 --sampler best-of-data --data rows.csv --out @
optimize-adapted: optimize --model molecules --objective qed --trials 60 --sampler nucleate+adaptation --out @
optimize-cmaes: optimize --model molecules --objective qed --trials 100 --sampler cmaes --out @
optimize-tpe: optimize --model molecules --objective qed --trials 40 --sampler tpe --features featurize-started --out @
optimize-pareto: optimize --model molecules --objective qed --objective sa_score:minimise --combine pareto --trials 60 --out @
optimize-nsga2: optimize --model molecules --objective qed --objective sa_score:minimise --combine pareto --sampler nsga2 --trials 40 --out @
optimize-constrained: optimize --model molecules --objective qed --constraint logp<=3 --constraint sa_score<=3 --quota 3 --trials 60 --out @
optimize-lead: optimize --model molecules --objective qed --like CC(=O)Nc1ccc(O)cc1 --similarity 0.4.. --trials 40 --out @
optimize-own: optimize own.toml ; optimize-head: optimize --model finetune --objective head=pIC50 --trials 40 --out @
optimize-crystals: optimize --model crystals --objective density --trials 60 --out @
optimize-oxides: optimize --model crystals --objective density --chemical-system Li-Fe-O --space-group cubic --trials 20 --out @
optimize-crystal-boxes: optimize --model crystals --objective volume_per_atom:minimise --sampler cmaes --trials 30 --out @
optimize-energy: optimize energy.toml
screen: screen rows.csv --matter molecules --processes 1 --out @ --json @.json
screen-samples: screen sample-molecules --features featurize-molecules --checks parses,size,alerts,novel,diverse --processes 1 --out @
screen-study: screen optimize-pareto --rank pareto --keep 20 --processes 1 --budget 10 --out @
screen-tree: screen {tree}/flows/screen.toml --limit 60 --processes 1 --budget 10 --out @ ; screen-inline: screen screen.toml --limit 40 --out @
screen-cifs: screen cifs --matter crystals --features featurize-crystals --processes 1 --checks legal,density,distances,coordination,vacuum,smact,bond_valence,dimensionality,novel,diverse --out @
screen-crystals: screen sample-crystals --features featurize-crystals --limit 6 --budget 2 --processes 1 --out @
tell-known: tell loop.toml known.csv --json @.json ; propose-first < tell-known: propose loop.toml -n 6 --json @.json
tell < propose-first: tell loop results.csv --json @.json ; propose-second < tell: propose loop -n 4 --json @.json
withdraw < propose-second: propose loop --withdraw P0005 --reason toxic ; study < withdraw: study loop --json @.json
rebuild < study: tell loop --rebuild --json @.json ; propose-crystals: propose loop-crystals.toml -n 3 --json @.json
discover: discover discover.toml --json @.json ; discover-again < discover: discover discover.toml ; report < discover-again: report runs/tiny
runs < report: runs --results runs --json @.json
"""  # noqa: E501
"""`NAME[!] [< NAMES]: ARGUMENTS`. `@` is the name; `!` digests what is printed. Needed are
the names that follow `<` and those that are arguments."""

FILES = {
    "train.toml": """epochs = 2 | network = { width = 48, latent = 16 }
        | prior = { steps = 60, width = 32 }""",
    "transformer.toml": """epochs = 1 | augment = { enabled = false }
        | [network] | encoder = "transformer" | decoder = "transformer" | width = 32 | layers = 1
        | latent = 16 | binding = true
        | [objective] | noise = 0.5 | noise_schedule = "cosine" | alignment_weight = 0.5
        | free_bits = 0.1 | [prior] | kind = "gaussian_mixture" | components = 4""",
    "wrong.toml": "epoch = 2",
    "finetune.toml": """epochs = 1 | base_set = 40 | samples = 50 | prior_steps = 40 | processes = 1
        | dataset = { source = "rows.csv" }""",
    "own.toml": """model = "molecules" | out = "optimize-own" | trials = 40 | reference = 40
        | combine = "mean"
        | [[objectives]] | python = "scores.py:score" | low = 0.0 | high = 40.0
        | [[objectives]] | column = "pIC50" | data = "rows.csv" | acquisition = "lower"
        | [[objectives]] | command = ["{python}", "scores.py"] | constraint = true | high = 30.0""",
    "energy.toml": """model = "crystals" | out = "optimize-energy" | trials = 6 | reference = 10
        | batch = 3 | objectives = [{ property = "energy_above_hull", goal = "minimise" }]""",
    "screen.toml": """matter = "molecules" | structures = "nci" | processes = 0 | seconds = 60
        | reference = [{ source = "rows.csv" }] | out = "unused"
        | [[checks]] | name = "size" | maximum_heavy_atoms = 20
        | [[checks]] | name = "novel" | [[checks]] | name = "picks" | number = 5""",
    "loop.toml": """model = "molecules" | out = "loop" | data = "rows.csv"
        | [[objectives]] | measured = "pIC50" | low = 4.0 | high = 9.0
        | [[objectives]] | property = "qed" | weight = 0.5""",
    "loop-crystals.toml": """model = "crystals" | out = "loop-crystals" | data = "cifs"
        | objectives = [{ measured = "gap", low = 0.0, high = 5.0 }]""",
    "discover.toml": """run = "tiny" | results = "runs"
        | [matter.molecules] | featurize = { dataset = { source = "nci", limit = 200 } }
        | sample = { count = 60 }
        | [matter.molecules.train] | epochs = 1 | network = { width = 48, latent = 16 }
        | prior = { steps = 40, width = 32 }
        | [matter.molecules.optimize] | sampler = "random" | trials = 20 | reference = 32
        | objectives = [{ property = "qed" }, { property = "logp", goal = "minimise" }]
        | [matter.molecules.screen] | processes = 1 | keep = 20
        | checks = [{ name = "parses" }, { name = "size" }, { name = "alerts" }]
        | [matter.crystals] | featurize = { dataset = { source = "prototypes", limit = 100 } }
        | sample = { count = 20 }
        | [matter.crystals.train] | epochs = 1 | start = "auto" | prior = { steps = 40, width = 32 }
        | [matter.crystals.optimize] | trials = 20 | reference = 20
        | objectives = [{ property = "density" }]
        | [matter.crystals.screen] | processes = 1
        | checks = [{ name = "legal" }, { name = "density" }, { name = "distances" }]""",
    "known.csv": """smiles,pIC50 | CCOC(=O)c1ccccc1,5.5 | C(C,7 | CCCCCO,>7
        | OCCc1ccccc1,failed: no product | [Na+].CCCCCCC(=O)[O-],6.5 | c1ccc2[nH]ccc2c1,4.8
        | Cc1ccc2[nH]ccc2c1,5.0 | CC(=O)Nc1ccccc1,5.9 | Cc1ccncc1,4.1 | NCCc1ccccc1,6.2""",
    "results.csv": """proposal_id,smiles,pIC50 | P0001,,5.25 | P0002,,6.5 | P0003,,failed | P0004,,
        | ,OCCCCC,6.75 | P0099,,5""",
    "garbage.csv": "smiles | not a molecule |  | C1CC | CCO | [U]",
}  # fmt: skip
"""Settings and tables; `|` ends a line."""
SCORES = """import json, sys
def score(structures):
    return [len(text) if "Br" not in text else float("nan") for text in structures]
if __name__ == "__main__":
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps({"id": asked["id"], "value": len(asked["structure"])}), flush=True)
"""
GARBAGE = [
    "not a molecule,5.2", ",5.3", "C1CC,5.0", "[Na+].[Cl-],4.0", "CCO,", "OCC,4.4", "[U],1",
    "c1ccccc1C(=O)[O-].[Na+],6.1", "C[C](C)C,2.2", f"{'C' * 90},1", "OCC,abc", "CCN(=O)=O,7.5",
    "C/C=C/C(=O)N1CCN(c2ccccc2)CC1,6.4", "O=C1CCCN1Cc1ccccc1,6.6", "CC(=O)OOC(C)=O,3",
]  # fmt: skip
PARTS = ["C", "CC", "C(C)C", "OC", "C#N", "C(=O)N", "F", "Cl", "Br", "N(C)C", "CO", "S(C)(=O)=O"]
CORES = ["c1ccc({})cc1", "c1cc({})ccn1", "C1CCN({})CC1", "O=C(c1ccccc1)N{}", "c1cc2ccccc2cc1{}"]
CIF = """data_{a}{b}{x}3 | _symmetry_space_group_name_H-M 'P 1' | _cell_length_a {size}
 | _cell_length_b {size} | _cell_length_c {size} | _cell_angle_alpha 90 | _cell_angle_beta 90
 | _cell_angle_gamma 90 | loop_ | _atom_site_label | _atom_site_type_symbol | _atom_site_fract_x
 | _atom_site_fract_y | _atom_site_fract_z | _atom_site_occupancy | A {a} 0 0 0 {share}
 | B {b} .5 .5 .5 1 | X1 {x} .5 .5 0 1 | X2 {x} .5 0 .5 1 | X3 {x} 0 .5 .5 1 |""".replace("|", "\n")


@dataclass(frozen=True)
class Command:
    """One of `COMMANDS`."""

    name: str
    arguments: list[str]
    needs: list[str]
    listing: bool


def commands(tree: Path) -> dict[str, Command]:
    """By name, in an order in which what a command needs stands before it."""
    found: dict[str, Command] = {}
    helps = [f"help-{name}!: {name} --help" for name in HELPED.split()]
    for line in [*helps, *COMMANDS.strip().replace("\n", " ; ").split(" ; ")]:
        head, _, written = line.partition(": ")
        label, _, after = head.partition("<")
        name = label.strip().rstrip("!")
        arguments = [a.replace("@", name).replace("{tree}", str(tree)) for a in written.split()]
        needs = after.split() + [a for a in arguments[1:] if a in found]
        missing = [n for n in needs if n not in found]
        if missing or name in found:
            raise ValueError(f"{name}: twice, or needs what comes later: {missing}")
        found[name] = Command(name, arguments, needs, label.strip().endswith("!"))
    return found


def wanted(all_commands: dict[str, Command], only: str | None) -> list[Command]:
    """The named commands and what they need, in order; all if `only` is not given."""
    names = set(only.split(",") if only else all_commands)
    if names - set(all_commands):
        raise SystemExit(f"unknown: {', '.join(sorted(names - set(all_commands)))}")
    for command in reversed(all_commands.values()):
        if command.name in names:
            names.update(command.needs)
    return [c for c in all_commands.values() if c.name in names]


def write_inputs(work: Path) -> None:
    """Settings, tables and CIF files that the commands read."""
    for name, text in FILES.items():
        text = re.sub(r"\s*\|[ ]?", "\n", text).replace("{python}", sys.executable)
        (work / name).write_text(text + "\n")
    (work / "scores.py").write_text(SCORES)
    rows = [f"{core.format(part)},{4 + (7 * i + 5 * j) % 23 / 8}"
            for i, core in enumerate(CORES) for j, part in enumerate(PARTS)]  # fmt: skip
    (work / "rows.csv").write_text("\n".join(["smiles,pIC50", *rows[:20], *GARBAGE, *rows[20:]]))
    cifs = work / "cifs"
    cifs.mkdir()
    pairs = ["Sr-Ti-O", "Ba-Ti-O", "Ca-Ti-O", "K-Nb-O", "K-Ta-O", "La-Al-O", "Sr-Zr-O", "Ba-Zr-O"]
    pairs += ["K-Mg-F", "K-Mn-F", "Cs-Pb-Br", "Cs-Sn-I", "Na-Ta-O", "La-Cr-O", "Ba-Sn-O"]
    for index, pair in enumerate(pairs):
        a, b, x = pair.split("-")
        size = {"O": 3.9, "F": 4.0, "Br": 5.8, "I": 6.2}[x] + index / 100
        text = CIF.format(a=a, b=b, x=x, size=size, share=1)
        (cifs / f"{a}{b}{x}3.cif").write_text(text)
    (cifs / "partial.cif").write_text(CIF.format(a="Sr", b="Ti", x="O", size=3.9, share=0.5))
    (cifs / "tight.cif").write_text(CIF.format(a="Sr", b="Ti", x="S", size=2.0, share=1))
    (cifs / "garbage.cif").write_text("data_nothing\n")


def written(value: float) -> str:
    """Six digits of a number; what is next to nothing is noise."""
    return "0" if abs(value) < 1e-12 else f"{value:.6g}"


def rounded(array: np.ndarray[Any, Any]) -> bytes:
    """Type, shape and bytes of an array, floats rounded to six digits."""
    head = f"{array.dtype}{array.shape}".encode()
    if array.dtype.kind != "f":
        return head + array.tobytes()
    values = array.astype(np.float64)
    values[np.abs(values) < 1e-12] = 0.0
    usual = np.isfinite(values) & (values != 0)
    exponents = np.floor(np.log10(np.abs(values), where=usual, out=np.zeros_like(values)))
    digits = np.where(usual, np.round(values * 10.0 ** (5 - exponents)), values)
    return head + digits.tobytes() + exponents.tobytes()


class Digester:
    """What a command wrote, without times, versions and paths; `places`: what stands for these."""

    def __init__(self, places: dict[str, str]) -> None:
        self._places = sorted(places.items(), key=lambda item: -len(item[0]))

    def text(self, text: str) -> str:
        """Of a plain text."""
        for place, sign in self._places:
            text = text.replace(place, sign)
        text = DATE.sub("<date>", DIGEST.sub("<digest>", text))
        return FLOAT.sub(lambda found: written(float(found[0])), text)

    def plain(self, value: Any) -> Any:
        """Of parsed JSON."""
        if isinstance(value, dict):
            items = {self.text(str(k)): self.plain(v) for k, v in value.items() if k not in DROPPED}
            return dict(sorted(items.items()))
        if isinstance(value, (list, tuple)):
            return [self.plain(item) for item in value]
        if isinstance(value, float):
            return written(value)
        return self.text(value) if isinstance(value, str) else value

    def content(self, path: Path) -> bytes:
        """What is digested of a file."""
        kind = path.suffix
        if kind == ".html":
            return b"there"
        if kind == ".parquet":
            table = parquet.read_table(path)
            kept = [f for f in table.schema if f.name not in DROPPED]
            columns = [[f.name, str(f.type), self.plain(table[f.name].to_pylist())] for f in kept]
            return json.dumps(columns, default=str).encode()
        if kind == ".npz":
            with np.load(path) as arrays:
                return b"".join(name.encode() + rounded(a) for name, a in sorted(arrays.items()))
        if kind == ".safetensors":
            return self._tensors(path.read_bytes())
        text = path.read_text(encoding="utf-8")
        if kind == ".json":
            return json.dumps(self.plain(json.loads(text))).encode()
        if kind == ".jsonl":
            return json.dumps([self.plain(json.loads(line)) for line in text.splitlines()]).encode()
        if kind == ".csv" and (rows := list(csv.reader(io.StringIO(text)))):
            turned = zip_longest(*rows, fillvalue="")
            return json.dumps([self.plain(c) for c in turned if c[0] not in DROPPED]).encode()
        return self.text(text).encode()

    def _tensors(self, data: bytes) -> bytes:
        start = 8 + int.from_bytes(data[:8], "little")
        header = json.loads(data[8:start])
        found = [json.dumps(self.plain(header.pop("__metadata__", {}))).encode()]
        for name, about in sorted(header.items()):
            low, high = (start + offset for offset in about["data_offsets"])
            array = np.frombuffer(data[low:high], TYPES.get(about["dtype"], "u1"))
            found.append(f"{name}{about['dtype']}{about['shape']}".encode() + rounded(array))
        return b"".join(found)


def files_of(work: Path) -> dict[str, tuple[int, int]]:
    """When and how large each file of the scratch folder was written."""
    paths = [p for p in work.rglob("*") if p.is_file() and p.suffix not in SKIPPED]
    names = {str(p.relative_to(work)): p.stat() for p in paths}
    hidden = re.compile(r"(^|/)(\.|__pycache__)")
    return {n: (s.st_mtime_ns, s.st_size) for n, s in names.items() if not hidden.search(n)}


def run(chosen: list[Command], tree: Path, work: Path) -> dict[str, dict[str, str]]:
    """Run commands; digests by command and file."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("NUCLEATE")}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    settings = {"PYTHONPATH": str(tree / "src"), "PYTHONDONTWRITEBYTECODE": "1", "NO_COLOR": "1"}
    environment = kept | threads | settings | {"COLUMNS": "120", "TERM": "dumb"}
    where = [sys.executable, "-c", "import nucleate; print(nucleate.__file__)"]
    found = subprocess.run(where, cwd=work, env=environment, capture_output=True, text=True).stdout
    if not found.startswith(str(tree / "src")):
        raise SystemExit(f"the package is taken from {found.strip()!r}, not from {tree}/src")
    digester = Digester({str(work): "<work>", str(tree): "<tree>"})
    write_inputs(work)
    digests: dict[str, dict[str, str]] = {}
    for command in chosen:
        before, start = files_of(work), time.perf_counter()
        ended = subprocess.run(
            [*PROGRAM, *command.arguments], cwd=work, env=environment, capture_output=True,
            text=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        seconds = time.perf_counter() - start
        written = {p: s for p, s in files_of(work).items() if before.get(p) != s}
        texts = {path: digester.content(work / path) for path in written}
        if command.listing:
            texts["(stdout)"] = digester.text(ended.stdout).encode()
        digests[command.name] = {k: hashlib.sha256(v).hexdigest() for k, v in sorted(texts.items())}
        digests[command.name]["(exit status)"] = str(ended.returncode)
        print(f"{seconds:6.1f} s  exit {ended.returncode}  {len(written):3} files  {command.name}",
              flush=True)  # fmt: skip
        (work / f".{command.name}.log").write_text(ended.stdout + ended.stderr)
    return digests


def differences(old: dict[str, dict[str, str]], new: dict[str, dict[str, str]]) -> list[str]:
    """One line for each digest that is not the same; commands that were not run do not count."""
    found = [f"{name}: not in the record" for name in new if name not in old]
    for name in (n for n in new if n in old):
        for file in sorted(old[name].keys() | new[name].keys()):
            was, now = old[name].get(file, "missing"), new[name].get(file, "missing")
            if was != now:
                found.append(f"{name}: {file}: {was[:12]} -> {now[:12]}")
    return found


def main() -> None:
    """Record or compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("action", choices=["record", "compare"])
    parser.add_argument("file", type=Path)
    parser.add_argument("--tree", type=Path, default=Path(__file__).resolve().parents[1])
    parser.add_argument("--work", type=Path)
    parser.add_argument("--only", metavar="NAME,...")
    given = parser.parse_args()
    tree = given.tree.resolve()
    chosen = wanted(commands(tree), given.only)
    with tempfile.TemporaryDirectory(prefix="digests-") as scratch:
        work = (given.work or Path(scratch)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        if any(work.iterdir()):
            raise SystemExit(f"{work} is not empty: results there would be taken up again")
        digests = run(chosen, tree, work)
    if given.action == "record":
        given.file.write_text(json.dumps(digests, indent=1) + "\n")
        return
    found = differences(json.loads(given.file.read_text()), digests)
    print("\n".join(found) or f"{len(digests)} commands: no difference")
    if found:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
