# For `cimport libpybuffer`: what libpybuffer.h adds to CPython's own functions. Those (PyObject_GetBuffer, ...) are
# in cpython.buffer and cpython.memoryview; linked with the archive, hidden, they are libpybuffer's.
#
# The functions that need no GIL set no exception without it: their return value tells. Call them with the GIL, or
# test what they return.

from cpython.buffer cimport Py_buffer
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef extern from "libpybuffer.h":
    const char *PYBUFFER_VERSION
    int PYBUFFER_MUST
    int PYBUFFER_ADVICE

    ctypedef struct pybuffer_format_info:
        Py_ssize_t itemsize
        Py_ssize_t alignment
        Py_ssize_t n_fields
        Py_ssize_t n_extents
        Py_ssize_t error_position

    ctypedef struct pybuffer_format_field:
        const char *name
        Py_ssize_t name_len
        const Py_ssize_t *shape
        Py_ssize_t count
        Py_ssize_t offset
        Py_ssize_t itemsize
        Py_ssize_t size
        Py_ssize_t parent
        Py_ssize_t position
        Py_ssize_t length
        int ndim
        int alignment
        int bit
        char code
        char kind
        char byte_order
        char mode

    ctypedef struct pybuffer_rule:
        int id
        int severity
        const char *name
        const char *sentence
        const char *source
        const char *fix

    ctypedef struct pybuffer_finding:
        pybuffer_rule rule
        int flags
        int n_requests
        const char *field
        int axis
        int last_flags
        char found[60]
        char expected[64]

    ctypedef struct pybuffer_frame:
        const char *file
        const char *function
        Py_ssize_t line

    ctypedef struct pybuffer_holder:
        const char *type_name
        const char *file
        const char *function
        size_t offset
        const pybuffer_frame *frames
        int n_frames
        int flags
        Py_ssize_t len
        size_t thread
        Py_ssize_t n_views
        Py_ssize_t n_lost
        double age
        size_t view

    ctypedef struct pybuffer_report:
        char exporter[96]
        int n_requests
        int n_granted
        int n_findings
        int n_violations
        int n_dropped
        int has_references
        int is_python
        char raised[252]
        pybuffer_finding findings[32]

    int PYBUFFER_DLPACK_COPY

    ctypedef struct DLDevice:
        int32_t device_type
        int32_t device_id

    ctypedef struct DLDataType:
        uint8_t code
        uint8_t bits
        uint16_t lanes

    ctypedef struct DLTensor:
        void *data
        DLDevice device
        int32_t ndim
        DLDataType dtype
        int64_t *shape
        int64_t *strides
        uint64_t byte_offset

    ctypedef struct DLManagedTensor:
        DLTensor dl_tensor
        void *manager_ctx
        void (*deleter)(DLManagedTensor *self) noexcept nogil

    ctypedef struct DLPackVersion:
        uint32_t major
        uint32_t minor

    ctypedef struct DLManagedTensorVersioned:
        DLPackVersion version
        void *manager_ctx
        void (*deleter)(DLManagedTensorVersioned *self) noexcept nogil
        uint64_t flags
        DLTensor dl_tensor

    const char *pybuffer_version() nogil
    const char *pybuffer_runtime() nogil
    const char *pybuffer_cpu_level() nogil
    int pybuffer_attach(void *handle) nogil

    int pybuffer_copy(const Py_buffer *dst, const Py_buffer *src) nogil
    int pybuffer_copy_part(const Py_buffer *dst, const Py_buffer *src, Py_ssize_t part, Py_ssize_t n_parts) nogil
    Py_ssize_t pybuffer_copy_n_parts(const Py_buffer *dst, const Py_buffer *src, Py_ssize_t max) nogil
    int pybuffer_verify_structure(Py_ssize_t memlen, Py_ssize_t itemsize, int ndim, const Py_ssize_t *shape,
                                  const Py_ssize_t *strides, Py_ssize_t offset) nogil
    void *pybuffer_get_item_pointer(int ndim, void *buf, const Py_ssize_t *strides, const Py_ssize_t *suboffsets,
                                    const Py_ssize_t *indices) nogil
    void *pybuffer_get_pointer_checked(const Py_buffer *view, const Py_ssize_t *indices) nogil

    int pybuffer_check_view(const Py_buffer *view, int flags, pybuffer_report *report) except -1
    int pybuffer_check_exporter(object obj, pybuffer_report *report) except -1
    int pybuffer_check_among_threads(object obj, int n_rounds, const pybuffer_report *alone, pybuffer_report *report) except -1
    Py_ssize_t pybuffer_holders(object obj, pybuffer_holder *holders, Py_ssize_t room) except -1
    int pybuffer_audit_retell() nogil
    size_t pybuffer_report_format(const pybuffer_report *report, char *text, size_t size) nogil
    int pybuffer_rule_describe(int id, pybuffer_rule *rule) nogil

    Py_ssize_t pybuffer_format_parse(const char *format, pybuffer_format_field *fields, Py_ssize_t max_fields,
                                     Py_ssize_t *extents, Py_ssize_t max_extents, pybuffer_format_info *info) nogil
    Py_ssize_t pybuffer_format_itemsize(const char *format) nogil
    int pybuffer_format_equivalent(const char *first, const char *second) nogil

    object pybuffer_memoryview_from_buffer_with_owner(const Py_buffer *info, object owner)
    object pybuffer_memoryview_from_memory_with_destructor(char *mem, Py_ssize_t size, int flags,
                                                           void (*destructor)(void *context) noexcept, void *context)
    int pybuffer_memoryview_release(object memoryview) except -1

    int pybuffer_to_dlpack(object obj, int flags, DLManagedTensorVersioned **tensor) except -1
    int pybuffer_to_dlpack_legacy(object obj, int flags, DLManagedTensor **tensor) except -1
    int pybuffer_view_to_dlpack(const Py_buffer *view, object owner, int flags,
                                DLManagedTensorVersioned **tensor) except -1
    object pybuffer_from_dlpack(DLManagedTensorVersioned *tensor)
    object pybuffer_from_dlpack_legacy(DLManagedTensor *tensor)
    const char *pybuffer_dlpack_dtype_name(DLDataType dtype) nogil
