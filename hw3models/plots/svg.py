"""A figure as an SVG that can stand inside a page: the page's own colours and type, ids that meet no others."""

import hashlib
import io
import re
import warnings
from xml.etree import ElementTree

from matplotlib.figure import Figure

from hw3models.plots.style import BLACK, PALETTE, WHITE, style

_XLINK = "{http://www.w3.org/1999/xlink}"
_COLORS = {BLACK: "currentColor", WHITE.lower(): f"var(--page, {WHITE})"} | {
    value.lower(): f"var(--{name}, {value})" for name, value in PALETTE.items()
}
# Characters that XML 1.0 does not allow, which would make the whole figure unreadable.
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")


def to_svg(figure: Figure, *, label: str) -> str:
    """One `<svg>` element, without XML declaration, that scales with its box and names itself `label` to readers.

    Black becomes `currentColor` and the palette's colours `var(--blue, #0072B2)` and so on, so that a page may
    choose others on a dark ground. Ids begin with a hash of the label and the contents. The same figure gives
    the same text.
    """
    source = _write(figure)
    root = ElementTree.fromstring(source)  # noqa: S314  # what matplotlib has just written
    identity = hashlib.sha256(label.encode(errors="replace") + source.encode()).hexdigest()
    prefix = f"f{identity[:10]}-"
    _drop(root, ("metadata", "style"))
    referenced = {name for element in root.iter() for name in _references(element)}
    for element in root.iter():
        _adapt(element, prefix, referenced)
    _flatten(root)
    width, height = (float(number) for number in root.attrib["viewBox"].split()[2:])
    root.attrib = {
        "xmlns": "http://www.w3.org/2000/svg",
        "viewBox": f"0 0 {width:g} {height:g}",
        "role": "img",
        "aria-label": _ILLEGAL.sub("\ufffd", label),
        "fill": "currentColor",
        "stroke-linejoin": "round",
        "stroke-linecap": "butt",
        # matplotlib counts points of 1/72 inch, pages pixels of 1/96.
        "style": f"width: {width * 4 / 3:.0f}px; font-family: system-ui, sans-serif; overflow: visible",
    }
    return ElementTree.tostring(root, encoding="unicode")


def _write(figure: Figure) -> str:
    buffer = io.StringIO()
    with style(), warnings.catch_warnings():
        # Text stays text: the reader's machine has the glyphs that matplotlib's own font lacks.
        warnings.filterwarnings("ignore", message=r"(?s)Glyph .* missing from font")
        warnings.filterwarnings("ignore", message="Matplotlib currently does not support")
        absent = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        if (layout := figure.get_layout_engine()) is not None:
            # `savefig` would draw everything once before, for nothing but this.
            layout.execute(figure)
            figure.set_layout_engine(None)
        figure.savefig(buffer, format="svg", transparent=True, dpi=144, metadata=absent)
    text = buffer.getvalue()
    return _ILLEGAL.sub("\ufffd", text[text.index("<svg") :])


def _drop(root: ElementTree.Element, tags: tuple[str, ...]) -> None:
    """A `<style>` would reach the whole page; metadata say nothing."""
    for parent in root.iter():
        for child in list(parent):
            if child.tag.rpartition("}")[2] in tags:
                parent.remove(child)


def _references(element: ElementTree.Element) -> list[str]:
    names = [name for value in element.attrib.values() for name in _REFERENCE.findall(value)]
    link = element.get(f"{_XLINK}href", "")
    return [*names, link[1:]] if link.startswith("#") else names


def _adapt(element: ElementTree.Element, prefix: str, referenced: set[str]) -> None:
    element.tag = element.tag.rpartition("}")[2]
    attributes = {}
    for name, value in element.attrib.items():
        if name == "id":
            if value in referenced:
                attributes["id"] = prefix + value
        elif name == f"{_XLINK}href":
            attributes["href"] = f"#{prefix}{value[1:]}" if value.startswith("#") else "".join(value.split())
        elif name == "style":
            attributes["style"] = ";".join(_declarations(value))
        elif name == "transform" and value.startswith("rotate(-0 "):
            continue
        else:
            value = _NUMBER.sub(_round, _REFERENCE.sub(rf"url(#{prefix}\1)", value))
            attributes[name] = " ".join(value.split())
    element.attrib = attributes
    # Line breaks for people who read the file; in a page they are only weight.
    if element.tag != "text" and element.text and not element.text.strip():
        element.text = None
    if element.tail and not element.tail.strip():
        element.tail = None


def _flatten(parent: ElementTree.Element) -> None:
    """Groups that say nothing give way to what is in them: two thirds of a figure are such."""
    for child in list(parent):
        _flatten(child)
        if child.tag == "g" and not child.attrib:
            position = list(parent).index(child)
            parent.remove(child)
            for offset, grandchild in enumerate(child):
                parent.insert(position + offset, grandchild)


def _declarations(value: str) -> list[str]:
    """Each declaration with its colour made the page's own, and the font's family left out."""
    result = []
    for declaration in value.split(";"):
        name, _, what = (part.strip() for part in declaration.partition(":"))
        if name == "font":
            # Such as `bold 9px 'DejaVu Sans', ...`.
            *weight, size = what.split("px")[0].split()
            result.append(f"font-size:{float(size):g}px")
            result += ["font-weight:bold"] if {"bold", "700"} & set(weight) else []
        elif name == "font-weight" and what != "normal":
            result.append("font-weight:bold")
        elif name and name != "font-family":
            result.append(f"{name}:{_COLORS.get(what.lower(), _NUMBER.sub(_round, what))}")
    return result


def _round(match: re.Match[str]) -> str:
    return f"{float(match.group()):.2f}".rstrip("0").rstrip(".")
