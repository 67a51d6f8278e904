"""Files of rules."""

from pathlib import Path

import pytest

from robustbench_vit.errors import SpecError
from robustbench_vit.gates.rulebook import read_rules


def test_rules_of_a_file(tmp_path: Path):
    """A list, and tables that have names and may be strict."""
    file = tmp_path / "gates.toml"
    file.write_text(
        'rules = ["mce <= +1.0"]\n[[rule]]\nname = "clean"\nrule = "top1[clean] >= 0.6"\nstrict = true\n'
        '[[rule]]\nrule = "auc >= -0.02"\n'
    )
    rules = read_rules(file)

    assert ["mce <= +1.0", "clean", "auc >= -0.02"] == [str(rule) for rule in rules]
    assert [False, True, False] == [rule.strict for rule in rules]
    assert [True, True, True] == [rule.strict for rule in read_rules(file, strict=True)]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "holds no rules"),
        ("rules = []", "holds no rules"),
        ("rules = [1 2]", "line 1"),
        ("\nrules == 1", "line 2"),
        ("rule = 3", "rule: expected tables"),
        ('rules = "mce <= 1"', "rules: expected a list"),
        ("rules = [3]", "rules 1, rule: expected str, got 3"),
        ('rules = ["mce <= 1", "mce"]', "rules 2: 'mce' is no rule"),
        ('rulez = ["mce <= 1"]', "did you mean rule or rules"),
        ('[[rule]]\nname = "x"', "rule 1: the key rule is missing"),
        ('[[rule]]\nrul = "x"', "did you mean rule"),
        ('[[rule]]\nrule = "mce <= 1"\nstrict = 1', "rule 1, strict: expected bool, got 1"),
        ("rule = [3]", "rule 1: expected a table"),
    ],
)
def test_mistakes_in_files(text, told, tmp_path: Path):
    """The file and the place are named."""
    file = tmp_path / "gates.toml"
    file.write_text(text)
    with pytest.raises(SpecError, match=r"gates\.toml") as error:
        read_rules(file)

    assert told in str(error.value)


@pytest.mark.parametrize("name", ["missing.toml", "."])
def test_a_file_that_is_none(name, tmp_path: Path):
    """A sentence names it."""
    with pytest.raises(SpecError, match="cannot read the rules in"):
        read_rules(tmp_path / name)
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SpecError, match=r"binary\.toml"):
        read_rules(tmp_path / "binary.toml")
