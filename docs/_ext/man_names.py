"""A man page under the name of each function, type and flag that a man page describes, and of a function's twin: one line
that reads the other page. And no addresses in man pages of what is in the manual itself."""

import re
from pathlib import Path

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform


class DropLinks(SphinxPostTransform):
    default_priority = 900
    builders = ("man",)

    def run(self, **kwargs):
        for link in list(self.document.findall(nodes.reference)):
            if "://" not in link.get("refuri", ""):
                link.replace_self(link.children)


def write_names(app, exception):
    if exception or app.builder.name != "man":
        return
    manifest = Path(app.srcdir).parent / "abi/symbols.toml"
    exported = set(re.findall(r"^(\w+) += \{ kind", manifest.read_text("utf-8"), re.MULTILINE))
    objects = Path(app.srcdir, "reference/objects.rst").read_text("utf-8")
    described = [(name, docname) for _, name, kind, docname, _, _ in app.env.domains["c"].get_objects()
                 if kind in ("function", "type", "macro")]
    # CPython's names, which are macros without Python: the first column of that page's table.
    described += [(name, "reference/objects") for row in re.findall(r"^(``Py.*?)  ", objects, re.MULTILINE)
                  for name in re.findall(r"``(Py\w+)``", row)]
    pages = {docname: (name, section) for docname, name, _, _, section in app.config.man_pages}
    for name, docname in described:
        if docname in pages:
            page, section = pages[docname]
            folder = Path(app.outdir) / f"man{section}"
            for link in {name} | {f"pybuffer_{name}"} & exported:
                (folder / f"{link}.{section}").write_text(f".so man{section}/{page}.{section}\n")


def setup(app):
    app.add_post_transform(DropLinks)
    app.connect("build-finished", write_names)
    return {"parallel_read_safe": True}
