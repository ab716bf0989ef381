"""A literal that is the name of a C function or macro of the library links to its description, on every page."""

import re

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms import SphinxTransform

NAME = re.compile(r"(?:Py(?:Object|Buffer|MemoryView)_|pybuffer_|PyBUF_|PYBUFFER_|Py_buffer$)\w*(?:\(\))?")


class LinkNames(SphinxTransform):
    default_priority = 500

    def apply(self, **kwargs):
        for literal in list(self.document.findall(nodes.literal)):
            name = literal.astext()
            if not NAME.fullmatch(name) or isinstance(literal.parent, addnodes.pending_xref | nodes.reference):
                continue
            link = addnodes.pending_xref("", refdomain="c", reftype="identifier", reftarget=name.removesuffix("()"),
                                         refdoc=self.env.docname, refwarn=False)
            literal.replace_self(link)
            link += literal


def setup(app):
    app.add_transform(LinkNames)
    return {"parallel_read_safe": True}
