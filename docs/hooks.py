"""Pages of the site that are made from the code when it is built, so that they cannot go stale."""

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files


def on_config(config: Any) -> Any:
    """`Decisions` in the navigation: all pages of that folder, in their order."""
    pages = sorted((Path(config.docs_dir) / "decisions").glob("*.md"))
    for entry in config.nav:
        if entry.get("Decisions") == "decisions":
            entry["Decisions"] = [f"decisions/{page.name}" for page in pages]
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add the command line's reference."""
    files.append(File.generated(config, "reference/cli.md", content=command_line()))
    return files


def command_line() -> str:
    """Every command and option, as `hw3 COMMAND --help` tells them."""
    from flows.cli.main import app, tell_sources

    tell_sources()
    text = app.generate_docs()
    # The theme has a table of contents of its own.
    text = re.sub(r"## Table of Contents\n.*?(?=\*\*Commands\*\*)", "", text, flags=re.DOTALL)
    return text.replace("# hw3\n", "# Command line\n", 1)
