"""Files outside of docs/: a page that is one of them, and links to them.

A page whose text is `<!-- page: FILE -->` is that file of the root. Links between such files and the pages lead from
page to page. What else they link to (examples, sources) is not in the manual: the name stays, without a link.
"""

import posixpath
import re
from pathlib import Path

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


def read(app, docname, content):
    folder, text = posixpath.join("docs", posixpath.dirname(docname)), content[0]
    if page := PAGE.fullmatch(text.strip()):
        app.env.note_dependency(ROOT / page[1])
        folder, text = "", (ROOT / page[1]).read_text("utf-8")

    def link(found):
        path = posixpath.normpath(posixpath.join(folder, found[2]))
        path = PAGES.get(path, path.removeprefix("docs/") if path.startswith("docs/") else None)
        return f"[{found[1]}](/{path}{found[3] or ''})" if path else found[1]

    if app.env.doc2path(docname).suffix == ".md":
        content[0] = LINK.sub(link, text)


def setup(app):
    app.connect("source-read", read)
    return {"parallel_read_safe": True}
