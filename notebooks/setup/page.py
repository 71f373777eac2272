"""What exported pages need of Python: nbconvert finds it as a module of the environment."""

import re
from html import unescape

from latex2mathml.converter import convert

FORMULA = re.compile(r"<(pre|code)\b.*?</\1>|\$\$([^$<]+)\$\$|\$([^$<]+)\$", re.DOTALL)


def mathml(page):
    """Writes the formulas of a page in MathML, which browsers draw by themselves; code may have dollars of its own."""

    def draw(found):
        code, block, inline = found.groups()
        if code:
            return found[0]
        return convert(unescape(block or inline), display="block" if block else "inline")

    return FORMULA.sub(draw, page)
