/* A note that is aligned to 8 bytes, as .note.gnu.property is. Linkers put it and the copy's own note into one segment:
 * here because both sections have the same name, elsewhere because linker scripts join sections. */

__asm__(".pushsection .note.pybuffer, \"a\", %note\n"
        ".balign 8\n"
        ".long 6, 8, 1\n"
        ".asciz \"Other\"\n"
        ".balign 8\n"
        ".quad 1\n"
        ".popsection");
