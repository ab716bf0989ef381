"""A man page under the name of each function that a man page describes: one line that reads the other page."""

from pathlib import Path


def write_names(app, exception):
    if exception or app.builder.name != "man":
        return
    pages = {docname: (name, section) for docname, name, _, _, section in app.config.man_pages}
    for _, name, kind, docname, _, _ in app.env.domains["c"].get_objects():
        if kind == "function" and docname in pages:
            page, section = pages[docname]
            folder = Path(app.outdir) / f"man{section}"
            (folder / f"{name}.{section}").write_text(f".so man{section}/{page}.{section}\n")


def setup(app):
    app.connect("build-finished", write_names)
    return {"parallel_read_safe": True}
