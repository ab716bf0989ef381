"""```{cases} FILE```: the cases of a file that `make bench` has written, by family: what is copied, how fast, and the
command that measures it again. The lines of the directive are `FAMILY: what it is`."""

import json
from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import SphinxDirective


def row(case):
    call = case["call"].replace("PyBuffer_", "").replace("PyObject_", "")
    shape = " x ".join(map(str, case["shape"]))
    strides = [", ".join(map(str, case[side])) for side in ("src_strides", "dst_strides")]
    return [f"``{case['case']}``", shape, str(case["itemsize"]), *strides, call, f"{case['ours/memcpy']:.2f}"]


class Cases(SphinxDirective):
    required_arguments = 1
    has_content = True

    def run(self):
        path = Path(self.env.doc2path(self.env.docname)).parent / self.arguments[0]
        self.env.note_dependency(path)
        families = {}
        for case in json.loads(path.read_text("utf-8"))["cases"]:
            families.setdefault(case["family"], []).append(case)
        told = dict(line.split(": ", 1) for line in self.content)
        if set(told) != set(families):
            raise self.error(f"families told, or measured, but not both: {sorted(set(told) ^ set(families))}")
        return [section for family, cases in families.items() for section in self.family(family, told[family], cases)]

    def family(self, name, told, cases):
        section = nodes.section(ids=[nodes.make_id(name)], names=[name])
        section += nodes.title(name, name)
        inline, _ = self.parse_inline(told)
        section += nodes.paragraph("", "", *inline)
        command = f"cargo bench --bench copies -- {name}"
        section += nodes.literal_block(command, command, language="none")
        heads = ["case", "shape", "itemsize", "strides of the source", "of the destination", "call", "memcpy = 1"]
        table = nodes.table(classes=["cases"])
        group = nodes.tgroup(cols=len(heads))
        table += group
        for _ in heads:
            group += nodes.colspec(colwidth=1)
        group += nodes.thead("", nodes.row("", *[nodes.entry("", nodes.paragraph(text=head)) for head in heads]))
        group += nodes.tbody("", *[self.row(case) for case in cases])
        section += table
        return [section]

    def row(self, case):
        return nodes.row("", *[nodes.entry("", nodes.paragraph("", "", *self.parse_inline(cell)[0])) for cell in row(case)])


def setup(app):
    app.add_directive("cases", Cases)
    return {"parallel_read_safe": True}
