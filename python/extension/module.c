/* The module: its functions, and what it says of itself to the interpreter. Its state is two types (view.c,
   dlpack.c) for each interpreter, so any number of them may load it. */

#include "extension.h"

static PyMethodDef functions[] = {
    { "tobytes", WITH_KEYWORDS(tobytes), tobytes_doc },
    { "copyto", WITH_KEYWORDS(copyto), copyto_doc },
    { "contiguous", WITH_KEYWORDS(contiguous), contiguous_doc },
    { "is_contiguous", WITH_KEYWORDS(is_contiguous), is_contiguous_doc },
    { "view", WITH_KEYWORDS(view), view_doc },
    { "to_dlpack", WITH_KEYWORDS(to_dlpack), to_dlpack_doc },
    { "from_dlpack", WITH_KEYWORDS(from_dlpack), from_dlpack_doc },
    { "itemsize", WITH_KEYWORDS(itemsize), itemsize_doc },
    { "equivalent", WITH_KEYWORDS(equivalent), equivalent_doc },
    { "parse", parse, METH_O, "What Format is made of: see libpybuffer.parse." },
    { "check", check, METH_O, "What a Report is made of: see libpybuffer.check." },
    { "check_alone", check_alone, METH_O, "The report of a check, in bytes." },
    { "check_among_threads", check_among_threads, METH_VARARGS, "The same of some rounds among threads; None without findings." },
    { "join_reports", join_reports, METH_VARARGS, "What a Report is made of, from reports in bytes." },
    { "hold_views", hold_views, METH_VARARGS, "A number of views of an exporter." },
    { "release_views", release_views, METH_O, "Releases them; the text of what a release raised, or None." },
    { "audited_views", audited_views, METH_O, "What the audit recorded of an exporter's views, or of all (None)." },
    { "audit_retell", audit_retell, METH_NOARGS, "Has findings told again; 0: no audit, 2: it hears the interpreter." },
    { "is_exporter", is_exporter, METH_O, "Whether a type has bf_getbuffer." },
    { NULL, NULL, 0, NULL },
};

static int fill_module(PyObject *module)
{
    state *state = state_of(module);
    state->keeper_type = make_keeper_type();
    state->tensor_type = make_tensor_type();
    if (state->keeper_type == NULL || state->tensor_type == NULL)
        return -1;
    if (PyModule_AddStringConstant(module, "version", pybuffer_version()) < 0 ||
        PyModule_AddStringConstant(module, "cpu_level", pybuffer_cpu_level()) < 0)
        return -1;
    return PyModule_AddStringConstant(module, "runtime", pybuffer_runtime());
}

static int traverse_module(PyObject *module, visitproc visit, void *arg)
{
    state *state = state_of(module);
    if (state != NULL) {
        Py_VISIT(state->keeper_type);
        Py_VISIT(state->tensor_type);
    }
    return 0;
}

static int clear_module(PyObject *module)
{
    state *state = state_of(module);
    if (state != NULL) {
        Py_CLEAR(state->keeper_type);
        Py_CLEAR(state->tensor_type);
    }
    return 0;
}

static void free_module(void *module)
{
    clear_module(module);
}

/* Python.h of 3.8 lacks these; the numbers belong to the stable ABI. An interpreter that does not know a slot
   refuses the module, so the second one is put in where it is known. */
#define SLOT_EXEC 2                 /* Py_mod_exec */
#define SLOT_INTERPRETERS 3         /* Py_mod_multiple_interpreters, since 3.12 */
#define SLOT_GIL 4                  /* Py_mod_gil, since 3.13 */
#define PER_INTERPRETER_GIL ((void *)2) /* Py_MOD_PER_INTERPRETER_GIL_SUPPORTED */
#define GIL_NOT_USED ((void *)1)    /* Py_MOD_GIL_NOT_USED */

static PyModuleDef_Slot slots[4] = { { SLOT_EXEC, (void *)fill_module } };

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_libpybuffer",
    .m_doc = "The compiled part of libpybuffer.",
    .m_size = sizeof(state),
    .m_methods = functions,
    .m_slots = slots,
    .m_traverse = traverse_module,
    .m_clear = clear_module,
    .m_free = free_module,
};

/* The minor version of the CPython that runs, 12 for 3.12; 0 if it is no Python 3. */
static int minor_version(void)
{
    const char *text = Py_GetVersion();
    int minor = 0;
    if (text[0] == '3' && text[1] == '.')
        for (text += 2; *text >= '0' && *text <= '9' && minor < 1000; text++)
            minor = 10 * minor + (*text - '0');
    return minor;
}

PyMODINIT_FUNC PyInit__libpybuffer(void)
{
    /* Each interpreter that imports the module writes the same again. */
    PyModuleDef_Slot *slot = slots + 1;
    if (minor_version() >= 12)
        *slot++ = (PyModuleDef_Slot){ SLOT_INTERPRETERS, PER_INTERPRETER_GIL };
    if (minor_version() >= 13)
        *slot++ = (PyModuleDef_Slot){ SLOT_GIL, GIL_NOT_USED };
    return PyModuleDef_Init(&definition);
}
