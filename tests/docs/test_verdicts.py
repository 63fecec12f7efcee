"""docs/verdicts.md and docs/glossary.md hold every sentence and every word of a verdict."""

from benchmarks.words import DOCS, sentences, words
from hw3models.evaluation.glossary import GLOSSARY
from hw3models.evaluation.templates import TEMPLATES
from hw3models.evaluation.wording import sentence


def test_the_pages_are_up_to_date() -> None:
    assert sentences() in (DOCS / "verdicts.md").read_text(), "run `make words`"
    assert words() in (DOCS / "glossary.md").read_text(), "run `make words`"


def test_every_sentence_stands_there_with_its_example_and_every_word_with_its_meaning() -> None:
    page = (DOCS / "verdicts.md").read_text()
    for template in TEMPLATES.values():
        assert template.text in page
        assert sentence(template.told) in page
        assert template.means in page
    glossary = (DOCS / "glossary.md").read_text()
    assert all(f"{{#{anchor}}}" in glossary and term.means in glossary for anchor, term in GLOSSARY.items())
