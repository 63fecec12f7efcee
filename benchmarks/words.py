"""`make words`: the sentences and words of verdicts, in docs/verdicts.md and docs/glossary.md."""

from pathlib import Path

from benchmarks.pages import rewrite
from hw3models.evaluation.glossary import GLOSSARY
from hw3models.evaluation.templates import TEMPLATES
from hw3models.evaluation.wording import sentence

DOCS = Path(__file__).resolve().parents[1] / "docs"


def sentences() -> str:
    """Each template with its example and what it means."""
    parts = (
        f"**{sentence(one.told)}**<br>\n{one.means}<br>\n`{name}`: `{one.text}`" for name, one in TEMPLATES.items()
    )
    return "\n\n".join(parts)


def words() -> str:
    """Each term with its meaning."""
    return "\n\n".join(f"## {term.name} {{#{anchor}}}\n\n{term.means}" for anchor, term in GLOSSARY.items())


def main() -> None:
    """Write both parts."""
    rewrite(DOCS / "verdicts.md", "sentences", sentences())
    rewrite(DOCS / "glossary.md", "words", words())


if __name__ == "__main__":
    main()
