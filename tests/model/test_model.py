"""Spin looks at every state of swap.pml: as it is there is no error; with any one rule taken out there is one; and every
end that the model speaks of comes about."""
import re
import subprocess
from pathlib import Path

import pytest

MODEL = Path(__file__).resolve().parent / "swap.pml"
# rule taken out -> what then goes wrong, as the model's assertions say it
RULES = {
    "NO_FENCE": "claim_volume!=3",  # I4: a database starts on an empty volume
    "NO_LOCK": "claim_volume!=3",
    "NO_RESERVE": "claim_volume!=3",
    "NO_RETAIN": "retain",  # I2: a claim is deleted although its volume is not kept
    "NO_UID": "claim_volume!=3",
    "NO_CAS": "claim_volume!=3",
    "NO_DRAIN": "ending_on==0",  # I6: the next pod of a Deployment would write beside the one that ends
}
ENDS = ["RESTORED", "RESUMED", "ABORTED", "UNDONE"]


def checked(folder, *defines):
    """(errors, states, the assertion that failed) of a breadth-first search through all states: the first error found is
    the shortest."""
    for argv in (["spin", "-a", *defines, str(MODEL)],
                 ["cc", "-O1", "-w", "-DSAFETY", "-DBFS", "-DCOLLAPSE", "-o", "pan", "pan.c"]):
        subprocess.run(argv, cwd=folder, check=True, capture_output=True, text=True, timeout=120)
    said = subprocess.run(["./pan", "-w22"], cwd=folder, check=True, capture_output=True, text=True, timeout=300).stdout
    assert "max search depth too small" not in said, said
    errors = int(re.search(r"errors: (\d+)", said)[1])
    states = int(re.search(r"(\d+) states, stored", said)[1])
    assertion = re.search(r"assertion violated\s+(.*) \(at depth", said)
    return errors, states, assertion[1] if assertion else said


def test_no_state_breaks_an_invariant(tmp_path):
    errors, states, said = checked(tmp_path)
    assert errors == 0, said
    assert states > 10_000


@pytest.mark.parametrize("rule", RULES)
def test_without_a_rule_an_invariant_breaks(tmp_path, rule):
    errors, _, assertion = checked(tmp_path, f"-D{rule}")
    assert errors == 1
    assert RULES[rule] in assertion


def test_without_retain_a_volume_is_destroyed(tmp_path):
    """I2 is broken first; where it is not looked at, I1 is."""
    errors, _, assertion = checked(tmp_path, "-DNO_RETAIN", "-DNO_I2")
    assert errors == 1
    assert "ref[" in assertion


@pytest.mark.parametrize("end", ENDS)
def test_every_end_comes_about(tmp_path, end):
    errors, _, assertion = checked(tmp_path, f"-DREACH={end}")
    assert errors == 1 and assertion.startswith("!"), assertion
