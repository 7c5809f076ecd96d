"""Build the source archive and the wheel, install the wheel elsewhere and start it.

Run by ``check`` with ``.venv``'s Python. The other place is an environment of its own that sees
``.venv``'s packages, but not the project as it stands there: what the wheel lacks is missing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "cnnlab"
STARTS = (
    ["--version"],
    ["--help"],
    ["models"],
    ["summary", "model-a", "--json"],
    ["data", "list"],
)


def run(command: list[str | Path], cwd: Path, warnings: str = "error") -> str:
    """Return what ``command`` prints; where it fails, or warns, print all it said and stop."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env=os.environ | {"PYTHONWARNINGS": warnings},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{done.stdout}{done.stderr}wheel: failed: {' '.join(map(str, command))}")
    return done.stdout


def build(folder: Path) -> Path:
    """Build the wheel from the source archive, so that the archive is known to be whole.

    It is done on a copy: the list of files that an earlier build left beside the sources would
    bring along what pyproject.toml has forgotten.
    """
    copy = folder / "copy"
    shutil.copytree(ROOT / PACKAGE, copy / PACKAGE)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    run([sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, copy], folder)
    [wheel] = folder.glob("*.whl")
    return wheel


def install(wheel: Path, folder: Path) -> Path:
    """Install ``wheel`` into a new environment in ``folder``; return the environment's Python."""
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    pip: list[str | Path] = [sys.executable, "-m", "pip", "--python", python]
    # What pip's own code is warned of is not ours to mend.
    run([*pip, "install", "--quiet", "--no-deps", "--no-index", wheel], folder, "ignore")
    [packages] = folder.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def contents(package: Path) -> dict[str, bytes]:
    """Every file of a package's folder by its relative path, but for compiled modules."""
    files = (path for path in package.rglob("*") if path.is_file())
    return {
        path.relative_to(package).as_posix(): path.read_bytes()
        for path in files
        if "__pycache__" not in path.parts and not path.name.startswith(".")
    }


def compare(python: Path, cwd: Path) -> int:
    """Hold what was installed against the sources; return the number of files."""
    found = run([python, "-c", f"import {PACKAGE}; print({PACKAGE}.__file__)"], cwd)
    installed_at = Path(found.strip()).parent
    if not installed_at.is_relative_to(python.parent.parent):
        sys.exit(f"wheel: started from {installed_at} in place of {python.parent.parent}")
    source, installed = contents(ROOT / PACKAGE), contents(installed_at)
    if odd := sorted(name for name, _ in source.items() ^ installed.items()):
        sys.exit(f"wheel: lost, added or altered: {', '.join(dict.fromkeys(odd))}")
    return len(source)


def main() -> None:
    """Build, install, compare and start."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        wheel = build(folder)
        python = install(wheel, folder / "elsewhere")
        count = compare(python, folder)
        print(f"{wheel.name}: {count} files, as in the sources")
        for arguments in STARTS:
            if not run([python.with_name(PACKAGE), *arguments], folder).strip():
                sys.exit(f"wheel: {PACKAGE} {' '.join(arguments)} printed nothing")
            print(f"started: {PACKAGE} {' '.join(arguments)}")


if __name__ == "__main__":
    main()
