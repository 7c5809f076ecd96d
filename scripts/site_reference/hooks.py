"""What MkDocs calls while it builds the site: pages that are made, and the navigation's rest."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent.parent
# MkDocs reads this file by its path: what stands beside it has to be found, too.
sys.path.insert(0, str(ROOT / "scripts"))

from mkdocs.structure.files import File, InclusionLevel  # noqa: E402 - needs the path

from site_reference.command_line import command_line_page  # noqa: E402
from site_reference.navigation import completed  # noqa: E402
from site_reference.notebook import notebook_page  # noqa: E402
from site_reference.python_api import python_pages  # noqa: E402
from site_reference.settings import settings_page  # noqa: E402

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

_ICON = ROOT / "cnnlab" / "page" / "static" / "icon.svg"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages, then name in the navigation what it does not name yet."""
    made = {
        "reference/command-line.md": command_line_page(),
        "reference/settings.md": settings_page(),
        **python_pages(),
    }
    for notebook in sorted(Path(config.docs_dir, "notebooks").glob("*.ipynb")):
        made[f"notebooks/{notebook.stem}.md"] = notebook_page(notebook)
    for path, content in made.items():
        files.append(File.generated(config, path, content=content))
    files.append(
        File.generated(
            config,
            "assets/icon.svg",
            abs_src_path=str(_ICON),
            inclusion=InclusionLevel.NOT_IN_NAV,
        )
    )
    pages = [file.src_uri for file in files.documentation_pages()]
    config.nav = completed(list(config.nav or []), pages)
    return files
