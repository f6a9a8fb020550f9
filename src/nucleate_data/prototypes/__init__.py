"""The embedded crystal set: AFLOW prototypes, data-mined substitution, CHGNet relaxation.

Ingredients, all from wheels: pymatgen's AFLOW prototype library (Mehl et al. 2017,
doi:10.1016/j.commatsci.2017.01.017), pymatgen's ionic substitution model (Hautier et al. 2011,
doi:10.1021/ic102031h), pymatgen's data-mined volumes (Chu et al. 2018,
doi:10.1016/j.commatsci.2018.01.040), CHGNet. The plan of what to make is a deterministic list;
results are appended to a JSON-lines file in the work folder, so that a killed run goes on.
"""

from nucleate_data.prototypes.make import build_prototypes

__all__ = ["build_prototypes"]
