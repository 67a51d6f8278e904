"""Verdicts as JUnit XML, which servers of continuous integration read."""

import re
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from robustbench_vit.gates.verdicts import Verdict, telling
from robustbench_vit.store.files import write_text

_SUITE = "robustbench-vit gate"

# What XML 1.0 cannot hold, not even escaped (section 2.2): control characters, halves of pairs, U+FFFE and U+FFFF.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit(verdicts: Sequence[Verdict], file: Path) -> Path:
    """Write a test case a verdict: the model is the class, rule and number are the name.

    Args:
        verdicts: As `robustbench_vit.gates.gate.gate` gives them.
        file: Where to write.

    Raises:
        StoreError: If the file cannot be written.
    """
    write_text(file, junit(verdicts))
    return file


def junit(verdicts: Sequence[Verdict]) -> str:
    """The text of the file.

    A number beyond its bound is a failure; a number that is not there is an error.
    """
    counts = {
        "tests": str(len(verdicts)),
        "failures": str(sum(verdict.outcome == "failed" for verdict in verdicts)),
        "errors": str(sum(verdict.outcome == "no number" for verdict in verdicts)),
        "skipped": "0",
        "time": "0",
    }
    top = ET.Element("testsuites", {"name": _SUITE, **counts})
    suite = ET.SubElement(top, "testsuite", {"name": _SUITE, **counts})
    told = telling(verdicts)
    for verdict in verdicts:
        _add(suite, verdict, verdict.sentence(told))
    ET.indent(top)
    return ET.tostring(top, encoding="unicode", xml_declaration=False).join(
        ['<?xml version="1.0" encoding="UTF-8"?>\n', "\n"]
    )


def _add(suite: ET.Element, verdict: Verdict, sentence: str) -> None:
    name = " · ".join(word for word in (str(verdict.rule), *verdict.origin.words) if word)
    case = ET.SubElement(suite, "testcase", {"classname": _clean(verdict.model), "name": _clean(name), "time": "0"})
    said = _clean("\n".join(word for word in (sentence, verdict.warning) if word))
    if verdict.passed:
        ET.SubElement(case, "system-out").text = f"{verdict.outcome}: {said}"
        return
    kind = "failure" if verdict.outcome == "failed" else "error"
    ET.SubElement(case, kind, {"type": verdict.outcome, "message": _clean(sentence)}).text = said


def _clean(text: str) -> str:
    r"""Text as XML can hold it; what it cannot stands there in words.

    Example:
        >>> _clean("a\x1bb")
        'a\\u001bb'
    """
    return _FORBIDDEN.sub(lambda found: f"\\u{ord(found.group()):04x}", text)
