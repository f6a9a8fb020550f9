"""What a study says at its end."""

from nucleate.report.study import _failures


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
