"""What exported pages need of Python: nbconvert finds it as a module of the environment."""

import re
from html import unescape

from latex2mathml.converter import convert
from nbconvert.filters.highlight import Highlight2HTML

# Notebooks of a kernel that does not say how to colour its language, as GoNB, would get the colours of Python.
highlight = Highlight2HTML(pygments_lexer="go")

FORMULA = re.compile(r"<(pre|code)\b.*?</\1>|\$\$([^$<]+)\$\$|\$([^$<]+)\$", re.DOTALL)

# The spaces beside the names of functions, as TeX has them: one before what is under a logarithm, none before a parenthesis.
SPACES = {"<mi>log</mi>": '<mi>log</mi><mspace width="0.17em"/>', "<mo>max</mo>": "<mi>max</mi>"}


def mathml(page):
    """Writes the formulas of a page in MathML, which browsers draw by themselves; code may have dollars of its own."""

    def draw(found):
        code, block, inline = found.groups()
        if code:
            return found[0]
        formula = convert(unescape(block or inline), display="block" if block else "inline")
        for function, spaced in SPACES.items():
            formula = formula.replace(function, spaced)
        return formula

    return FORMULA.sub(draw, page)
