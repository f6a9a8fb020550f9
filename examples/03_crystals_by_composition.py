"""Sample crystals of a composition, and hand them on as pymatgen Structures."""

import argparse

import nucleate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=5, help="crystals to find")
    parser.add_argument("--composition", default="NaCl", help="reduced formula")
    options = parser.parse_args()

    table = nucleate.sample(
        "crystals", options.count, seed=3, composition=options.composition, as_="pymatgen"
    )
    columns = ["formula", "space_group", "atoms", "density", "volume_per_atom"]
    print(table[columns].to_string(index=False))

    structures = table["pymatgen"]
    shortest = min(
        neighbour.nn_distance
        for structure in structures
        for neighbours in structure.get_all_neighbors(4.0)
        for neighbour in neighbours
    )
    print(
        f"\n{len(table)} crystals of {options.composition} in {table['space_group'].nunique()} "
        f"space groups; the shortest distance between two atoms is {shortest:.2f} angstrom."
    )


if __name__ == "__main__":
    main()
