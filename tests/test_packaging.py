"""The pins, the package's data and its version."""

from __future__ import annotations

import re
import sys
import tomllib
from importlib import metadata, resources
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import cnnlab

ROOT = Path(__file__).parent.parent
# What torch's CUDA build alone asks for; constraints.txt says why it has no pins.
CUDA_ONLY = re.compile(r"cuda-|nvidia-|triton$")


def _pin_lines() -> list[str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def _pins() -> dict[str, str]:
    return dict(line.split("==") for line in _pin_lines())


def _project() -> dict[str, object]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def _needed(name: str, extra: str, seen: dict[str, str]) -> dict[str, str]:
    """Collect what the installed ``name`` needs, directly and indirectly: name -> version."""
    for text in metadata.requires(name) or []:
        requirement = Requirement(text)
        wanted = canonicalize_name(requirement.name)
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        if wanted in seen or CUDA_ONLY.match(wanted):
            continue
        if wanted != "cnnlab":  # which asks for itself where an extra holds other extras
            seen[wanted] = metadata.version(wanted)
        for inner in [*([] if wanted == "cnnlab" else [""]), *requirement.extras]:
            _needed(wanted, inner, seen)
    return seen


def test_constraints_hold_names_and_versions_only() -> None:
    version = r"[0-9]+(\.[0-9]+)*(\.post[0-9]+|b[0-9]+)?"
    for line in _pin_lines():
        assert re.fullmatch(rf"[a-z0-9]+(-[a-z0-9]+)*=={version}", line)


def test_constraints_are_sorted_and_name_nothing_twice() -> None:
    names = [line.split("==")[0] for line in _pin_lines()]
    assert names == sorted(set(names))


def test_every_direct_and_indirect_requirement_is_pinned() -> None:
    needed = _needed("cnnlab", "dev", {})
    assert "markupsafe" in needed, "the walk must reach what is needed indirectly"
    assert sorted(needed.keys() - _pins().keys()) == []


def test_no_pin_is_left_over() -> None:
    assert sorted(_pins().keys() - _needed("cnnlab", "dev", {}).keys()) == []


def test_what_is_pinned_is_what_the_tests_run_on() -> None:
    if Path(sys.prefix) != ROOT / ".venv":
        pytest.skip("not started by scripts/test: the versions here are their owner's choice")
    installed = {
        name: Version(metadata.version(name)).public for name in _needed("cnnlab", "dev", {})
    }
    assert installed == {name: _pins()[name] for name in installed}


def test_torch_is_pinned_to_no_build_in_particular() -> None:
    assert _pins()["torch"] == "2.13.0"


@pytest.mark.parametrize("version", ["2.10.0", "2.11.0", "2.12.1", "2.13.0"])
def test_the_package_accepts_torch(version: str) -> None:
    [torch] = [r for r in map(Requirement, _project()["dependencies"]) if r.name == "torch"]
    assert torch.specifier.contains(version)
    assert not torch.specifier.contains("2.9.1")
    assert not torch.specifier.contains("2.14.0")


def test_the_version_is_the_changelogs_newest() -> None:
    newest = re.search(r"^## \[([0-9.]+)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest is not None
    assert _project()["version"] == newest[1] == metadata.version("cnnlab")


def test_the_licence_is_whole() -> None:
    licence = (ROOT / "LICENSE").read_text()
    assert "Version 2.0, January 2004" in licence
    assert "END OF TERMS AND CONDITIONS" in licence
    assert _project()["license"] == "Apache-2.0"


def _data_files() -> list[str]:
    package = ROOT / "cnnlab"
    return sorted(
        path.relative_to(package).as_posix()
        for path in package.rglob("*")
        if path.is_file()
        and path.suffix in {".yaml", ".json", ".html", ".css", ".js", ".svg", ".typ"}
    )


@pytest.mark.parametrize("name", _data_files())
def test_data_files_can_be_read_from_the_package(name: str) -> None:
    text = resources.files(cnnlab).joinpath(name).read_text(encoding="utf-8")
    assert text.strip()
    if name.endswith((".yaml", ".json")):
        assert yaml.safe_load(text)


def test_every_kind_of_data_file_is_packed() -> None:
    packed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    kinds = {pattern.removeprefix("**/*") for pattern in packed["package-data"]["cnnlab"]}
    there = {
        path.suffix or path.name
        for path in (ROOT / "cnnlab").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    }
    assert there - {".py"} <= kinds | {".typed"}
