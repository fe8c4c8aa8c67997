"""LaTeX formulas as MathML, for pages without a network."""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape
from xml.etree import ElementTree

from markupsafe import Markup

_SPACE = "{http://www.w3.org/1998/Math/MathML}"
# What a formula may consist of. The converter copies text through as it stands, so its output is not trusted.
_ELEMENTS = frozenset(
    (
        *(
            "math",
            "mrow",
            "mi",
            "mo",
            "mn",
            "mtext",
            "mspace",
            "mfrac",
            "msqrt",
            "mroot",
            "msup",
            "msub",
            "msubsup",
        ),
        *(
            "munder",
            "mover",
            "munderover",
            "mtable",
            "mtr",
            "mtd",
            "mstyle",
            "mpadded",
            "mphantom",
            "menclose",
        ),
    )
)
_ATTRIBUTES = frozenset(
    (
        *(
            "display",
            "stretchy",
            "mathvariant",
            "accent",
            "accentunder",
            "fence",
            "form",
            "separator",
            "lspace",
        ),
        *("rspace", "width", "height", "depth", "linethickness", "minsize", "maxsize", "movablelimits"),
        *("displaystyle", "scriptlevel", "columnalign", "rowspacing", "columnspacing"),
    )
)
_LETTER = re.compile(r"\\(mathbb|mathcal|mathrm|mathbf)\s+([A-Za-z])")  # takes its letter in braces only
_ARG = re.compile(r"\\arg(?![A-Za-z])")  # what the converter does not know


@lru_cache(maxsize=4096)
def formula(latex: str) -> Markup:
    """The formula as a `<math>` element; as code where it cannot be converted or holds anything but a formula."""
    try:
        made = ElementTree.fromstring(_converted(latex))
        if any(one.tag.removeprefix(_SPACE) not in _ELEMENTS for one in made.iter()):
            raise ValueError("not a formula")
    except Exception:  # a converter of another's making, given text of anybody's
        return Markup(f"<code>{escape(latex)}</code>")
    return Markup(_written(made, latex))


def _converted(latex: str) -> str:
    from latex2mathml.converter import convert

    return str(convert(_LETTER.sub(r"\\\1{\2}", _ARG.sub(r"\\operatorname{arg}", latex))))


def _written(element: ElementTree.Element, latex: str = "") -> str:
    tag = element.tag.removeprefix(_SPACE)
    kept = {key: value for key, value in element.attrib.items() if key in _ATTRIBUTES}
    if tag == "math":
        kept["alttext"] = latex
    attributes = "".join(f' {key}="{escape(value)}"' for key, value in kept.items())
    inside = escape(element.text or "") + "".join(
        _written(child) + escape(child.tail or "") for child in element
    )
    return f"<{tag}{attributes}>{inside}</{tag}>"
