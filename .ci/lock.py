"""Print constraints.txt: the exact version of everything that nucleate[dev] needs, from this
environment. `make lock` runs it after a deliberate upgrade.

Constraints, not requirements: a package that another platform needs besides (a GPU's libraries,
say) may be added there by the installer, but nothing listed here may differ.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version


def closure(root: str, extra: str) -> dict[str, str]:
    """Version by name of all that `root[extra]` needs here, without `root` itself."""
    found: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    waiting = [(canonicalize_name(root), ""), (canonicalize_name(root), extra)]
    while waiting:
        name, chosen = waiting.pop()
        if (name, chosen) in seen:
            continue
        seen.add((name, chosen))
        try:
            package = distribution(name)
        except PackageNotFoundError:
            continue  # needed on another platform only
        if name != root:
            found[name] = Version(package.version).public  # 2.13.0, not 2.13.0+cpu
        for line in package.requires or ():
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": chosen}):
                wanted = canonicalize_name(needed.name)
                waiting += [(wanted, ""), *((wanted, extra) for extra in needed.extras)]
    return found


if __name__ == "__main__":
    print("# Exact versions of every dependency. Made by `make lock`; do not edit by hand.")
    for name, version in sorted(closure("nucleate", "dev").items()):
        print(f"{name}=={version}")
