"""Files outside of docs/: a page that is one of them, files that a page shows, and links to them.

A page whose text is `<!-- page: FILE -->` is that file of the root. ```{files} FILE or FOLDER``` shows files, as
examples.md does under a heading for each example. Links between such files, the pages and the examples lead from page to
page. What else they link to (sources) is not in the manual: the name stays, without a link.
"""

import posixpath
import re
from pathlib import Path

from docutils import nodes
from sphinx.directives.code import container_wrapper
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = re.compile(r"<!-- page: (\S+) -->")
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\((?!\w+:|#)([^)#\s]+)(#[^)\s]*)?\)")
PAGES = {
    "README.md": "index.md",
    "ARCHITECTURE.md": "project/architecture.md",
    "CHANGELOG.md": "project/changelog.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "SECURITY.md": "project/security.md",
}
LANGUAGES = {".c": "c", ".cpp": "cpp", ".py": "python", ".pyx": "cython", ".rs": "rust", ".toml": "toml", ".txt": "cmake",
             ".build": "meson", ".sh": "sh"}
BUILT = re.compile(r"(^|/)(build|dist|target|[^/]+\.egg-info)/")


class Files(SphinxDirective):
    required_arguments = 1

    def run(self):
        first = ROOT / self.arguments[0]
        files = [first] if first.is_file() else sorted(file for file in first.rglob("*") if file.suffix in LANGUAGES
                                                       and not BUILT.search(file.relative_to(first).as_posix()))
        return [self.shown(file) for file in files]

    def shown(self, file):
        self.env.note_dependency(file)
        text = file.read_text("utf-8")
        block = nodes.literal_block(text, text, language=LANGUAGES[file.suffix])
        return container_wrapper(self, block, f"``{file.relative_to(ROOT)}``")


def page_of(path):
    """The page that shows a file or folder of the root, from the manual's root; None: there is none."""
    if path.startswith("examples/"):
        return "examples.md#" + path.split("/")[1].replace(".", "")
    return PAGES.get(path, path.removeprefix("docs/") if path.startswith("docs/") else None)


def read(app, docname, content):
    folder, text = posixpath.join("docs", posixpath.dirname(docname)), content[0]
    if page := PAGE.fullmatch(text.strip()):
        app.env.note_dependency(ROOT / page[1])
        folder, text = "", (ROOT / page[1]).read_text("utf-8")

    def link(found):
        path = page_of(posixpath.normpath(posixpath.join(folder, found[2])))
        return f"[{found[1]}](/{path}{found[3] or ''})" if path else found[1]

    if app.env.doc2path(docname).suffix == ".md":
        content[0] = LINK.sub(link, text)


def setup(app):
    app.add_directive("files", Files)
    app.connect("source-read", read)
    return {"parallel_read_safe": True}
