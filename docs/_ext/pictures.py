"""```{layout} MODULE:EXPRESSION```: the picture that `python -m libpybuffer layout` draws of an exporter, brief without the
option `:full:`. The text of the directive is the picture's caption."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective


class Layout(SphinxDirective):
    required_arguments = 1
    final_argument_whitespace = True
    has_content = True
    option_spec = {"full": directives.flag}

    def run(self):
        exporter = " ".join(self.arguments[0].split())
        options = [] if "full" in self.options else ["--brief"]
        name = hashlib.sha256(repr((exporter, options)).encode()).hexdigest()[:16] + ".svg"
        folder = Path(self.env.app.doctreedir) / "pictures"
        folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "libpybuffer", "layout", exporter, "--svg", str(folder / name), *options]
        drawn = subprocess.run(command, capture_output=True, text=True,
                               cwd=Path(self.env.doc2path(self.env.docname)).parent)  # modules beside the page are found
        if drawn.returncode:
            raise self.error(f"{exporter}: {drawn.stderr.strip()}")
        # From the sources' folder, as Sphinx wants it, though the picture is not below it.
        image = nodes.image(uri="/" + os.path.relpath(folder / name, self.env.srcdir), alt=f"Layout of {exporter}")
        figure = nodes.figure("", image, classes=["layout"])
        if self.content:
            inline, _ = self.parse_inline(" ".join(self.content))
            figure += nodes.caption("", "", *inline)
        return [figure]


def setup(app):
    app.add_directive("layout", Layout)
    return {"parallel_read_safe": True}
