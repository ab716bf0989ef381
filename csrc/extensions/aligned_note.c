/* A note that is aligned to 8 bytes, as .note.gnu.property is, of which linkers make one segment with the copy's own
 * note: by the name of its section, as linkers' scripts do it by theirs. */

__asm__(".pushsection .note.pybuffer, \"a\", %note\n"
        ".balign 8\n"
        ".long 6, 8, 1\n"
        ".asciz \"Other\"\n"
        ".balign 8\n"
        ".quad 1\n"
        ".popsection");
