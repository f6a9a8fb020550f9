"""What a study says at its end."""

from nucleate.report.study import _best_table, _failures, _top


def test_failures_are_told_commonest_first_and_once_for_all_objectives():
    def told(failures):
        objectives = [{"column": name} for name in ("dock", "qed")]
        return _failures({"objectives": objectives, "objective_failures": failures})

    assert told({"dock": {"RuntimeError: no_pose": 5, "took longer than 2 s": 7}}) == (
        "dock: took longer than 2 s (7); dock: RuntimeError: no_pose (5)"
    )
    assert told({"dock": {"hazard: x": 2}, "qed": {"hazard: x": 2}}) == "hazard: x (2)"
    many = {f"reason {number}": 1 for number in range(5)}
    assert told({"qed": many}).endswith("; 2 more reasons in summary.json")


def test_structures_are_called_by_their_titles_and_folders_once():
    row = {"structure": "225 a:Na b:Cl | 5.64", "score": 1.0, "origin": "data"}
    table = _best_table([row], {"objectives": [], "new": 1}, lambda structure: "NaCl, Fm-3m (225)")
    assert next(iter(table.columns[0].cells)) == "NaCl, Fm-3m (225)"
    assert [_top(name) for name in ("summary.json", "cif/a.cif")] == ["summary.json", "cif/"]
