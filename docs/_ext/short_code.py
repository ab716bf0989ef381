"""Code within a line stays on one line where it is short: browsers break -lpybuffer after its hyphen."""

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

MOST = 34


class KeepWords(SphinxPostTransform):
    default_priority = 900
    builders = ("html",)

    def run(self, **kwargs):
        for literal in self.document.findall(nodes.literal):
            if max(map(len, literal.astext().split()), default=0) <= MOST:
                literal["classes"].append("short")


def setup(app):
    app.add_post_transform(KeepWords)
    return {"parallel_read_safe": True}
