"""``cnnlab card``: the page's commands, and what is refused."""

import re
import shlex
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "card.md"


def test_case_30_the_pages_commands_run_as_written(cnnlab, trained):
    trained.rename(trained.with_name("f"))
    [block] = re.findall(r"^```\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    for command in block.splitlines():
        outcome = cnnlab(*shlex.split(command)[1:])
        assert outcome.code == 0, outcome.err
    assert Path("runs/f/README.md").read_text("utf-8").startswith("---\n")
    assert Path("words.md").exists()
    assert "license: apache-2.0" in Path("README.md").read_text("utf-8")


def test_json_and_errors(cnnlab, trained):
    outcome = cnnlab("card", "first", "--out", "card.md", "--json")
    assert outcome.json["card"] == "card.md"
    assert outcome.json["front_matter"]["model-index"][0]["name"] == "first"
    wrong = cnnlab("card", "frist")
    assert (wrong.code, wrong.out, wrong.err.count("\n")) == (2, "", 1)
    assert "did you mean 'first'" in wrong.err
    assert not (trained / "README.md").exists()
