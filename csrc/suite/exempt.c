/* The tests that libpython's own functions are excused from, by name: the rows of the table in
 * docs/differences.md. Nothing else is; a test that libpython passes may not stand here. */
#include "exempt.h"

#include <stddef.h>

const Exemption exemptions[] = {
    /* NULL arguments */
    { "check_buffer_null_is_false", FAILS, EVERYWHERE },
    { "check_read_buffer_of_null_is_false", FAILS, EVERYWHERE },
    { "get_buffer_obj_null_is_a_system_error", FAILS, EVERYWHERE },
    { "null_argument_keeps_a_pending_exception", FAILS, EVERYWHERE },
    { "release_null_does_nothing", FAILS, EVERYWHERE },
    { "is_contiguous_view_null_is_false", FAILS, EVERYWHERE },
    { "get_pointer_null_is_a_system_error", FAILS, EVERYWHERE },
    { "size_from_format_null_is_a_system_error", FAILS, EVERYWHERE },
    { "fill_strides_null_does_nothing", FAILS, EVERYWHERE },
    { "to_contiguous_null_is_a_system_error", FAILS, EVERYWHERE },
    { "from_contiguous_null_is_a_system_error", FAILS, EVERYWHERE },
    { "copy_data_null_is_a_system_error", FAILS, EVERYWHERE },
    { "copy_data_buf_null_is_a_system_error", FAILS, EVERYWHERE },
    { "memoryview_of_null_is_a_system_error", FAILS, EVERYWHERE },
    { "host_get_buffer_of_a_memoryview_without_a_view_is_a_system_error", FAILS, EVERYWHERE },

    /* strides NULL where they are read */
    { "get_pointer_strides_null_counts_in_c_order", FAILS, EVERYWHERE },
    { "get_pointer_strides_and_shape_null_counts_items", FAILS, EVERYWHERE },
    { "get_pointer_strides_and_shape_null_with_ndim_2_is_a_value_error", FAILS, EVERYWHERE },
    { "from_contiguous_strides_null_are_c_strides", FAILS, EVERYWHERE },
    { "copy_data_strides_null_are_c_strides", FAILS, EVERYWHERE },
    { "host_ctypes_array_of_two_dimensions_takes_fortran_items", FAILS, EVERYWHERE },

    /* shape NULL where it is read */
    { "is_contiguous_shape_null_with_strides_is_false", FAILS, EVERYWHERE },
    { "is_contiguous_shape_and_strides_null_with_ndim_2_is_c_alone", FAILS, EVERYWHERE },
    { "from_contiguous_shape_null_of_one_dimension_is_len_by_itemsize", FAILS, EVERYWHERE },
    { "copy_data_shape_null_of_one_dimension_is_len_by_itemsize", FAILS, EVERYWHERE },
    { "to_contiguous_shape_null_of_more_dimensions_is_a_value_error", FAILS, EVERYWHERE },
    { "from_contiguous_shape_null_of_more_dimensions_is_a_value_error", FAILS, EVERYWHERE },
    { "memoryview_of_a_view_that_lacks_a_shape_is_a_value_error", FAILS, EVERYWHERE },

    /* ndim 0 with an unknown order or with suboffsets */
    { "to_contiguous_ndim_0_of_an_unknown_order_or_with_suboffsets_is_the_item", FAILS,
      EVERYWHERE },
    { "get_contiguous_ndim_0_of_an_unknown_order_or_with_suboffsets_is_the_item", FAILS,
      EVERYWHERE },

    /* a format that goes away */
    { "memoryview_of_a_view_keeps_its_format", FAILS, EVERYWHERE },

    /* fields that are false, on the element path */
    { "to_contiguous_itemsize_of_0_or_less_is_a_value_error", FAILS, EVERYWHERE },
    { "to_contiguous_negative_shape_is_a_value_error", FAILS, EVERYWHERE },
    { "to_contiguous_negative_ndim_is_a_value_error", FAILS, EVERYWHERE },
    { "to_contiguous_shape_that_overflows_is_a_value_error", FAILS, EVERYWHERE },
    { "to_contiguous_shape_that_does_not_match_len_is_a_value_error", FAILS, EVERYWHERE },
    { "to_contiguous_negative_len_is_a_value_error", FAILS, EVERYWHERE },
    { "from_contiguous_itemsize_of_0_or_less_is_a_value_error", FAILS, EVERYWHERE },
    { "from_contiguous_negative_shape_is_a_value_error", FAILS, EVERYWHERE },
    { "from_contiguous_negative_ndim_is_a_value_error", FAILS, EVERYWHERE },
    { "from_contiguous_shape_that_overflows_is_a_value_error", FAILS, EVERYWHERE },
    { "from_contiguous_shape_that_does_not_match_len_is_a_value_error", FAILS, EVERYWHERE },
    { "from_contiguous_negative_len_is_a_value_error", FAILS, EVERYWHERE },
    { "from_contiguous_negative_len_of_the_view_is_a_value_error", FAILS, EVERYWHERE },
    { "copy_data_false_fields_on_the_element_path_are_value_errors", FAILS, EVERYWHERE },
    { "copy_data_negative_len_is_a_value_error", FAILS, EVERYWHERE },
    { "get_contiguous_shape_that_does_not_match_len_is_a_value_error", FAILS, EVERYWHERE },

    /* CopyData between shapes that do not fit */
    { "copy_data_shape_larger_than_dests_is_a_buffer_error_naming_both", FAILS, EVERYWHERE },
    { "copy_data_ranks_that_differ_are_a_buffer_error_naming_both", FAILS, EVERYWHERE },
    { "copy_data_itemsize_larger_than_dests_is_a_buffer_error_naming_both", FAILS, EVERYWHERE },

    /* len 0, with fields that are false */
    { "to_contiguous_len_0_succeeds_whatever_the_fields_are", FAILS, EVERYWHERE },
    { "from_contiguous_len_0_succeeds_whatever_the_fields_are", FAILS, EVERYWHERE },
    { "copy_data_of_nothing_succeeds_whatever_the_fields_are", FAILS, EVERYWHERE },

    /* memory that overlaps */
    { "to_contiguous_overlap_is_as_if_the_view_had_been_read_first", FAILS, EVERYWHERE },
    { "from_contiguous_overlap_is_as_if_the_bytes_had_been_read_first", FAILS, EVERYWHERE },
    { "to_contiguous_overlap_with_rows_or_pointers_is_as_if_they_had_been_read_first", FAILS,
      EVERYWHERE },
    { "from_contiguous_overlap_with_a_row_is_as_if_the_bytes_had_been_read_first", FAILS,
      EVERYWHERE },
    { "copy_data_overlap_is_as_if_src_had_been_read_first", FAILS, EVERYWHERE },

    /* what replaces struct.calcsize */
    { "host_a_replaced_calcsize_is_not_asked", FAILS, EVERYWHERE },

    /* what an assertion forbids */
    { "is_contiguous_strides_of_ndim_0_or_less_are_not_read", FAILS, DEBUG_BUILDS },
    { "to_contiguous_unknown_orders_are_fortran", FAILS, DEBUG_BUILDS },
    { "get_contiguous_other_orders_are_fortran", FAILS, DEBUG_BUILDS },
    { "get_contiguous_any_other_buffertype_reads", FAILS, DEBUG_BUILDS },
    { "memoryview_of_memory_is_writable_for_write_alone", FAILS, DEBUG_BUILDS },
    { "memoryview_of_memory_null_or_less_than_none_is_made", FAILS, DEBUG_BUILDS },
    { "get_buffer_failing_without_an_exception_fails_without_one", MAY_FAIL, DEBUG_BUILDS },
    { "copy_data_exporter_failing_without_an_exception_fails_without_one", MAY_FAIL, DEBUG_BUILDS },

    /* a function that CPython 3.8 declares and does not have */
    { "size_from_format_every_code_under_every_prefix", FAILS, BEFORE_3_9 },
    { "size_from_format_native_codes_are_aligned", FAILS, BEFORE_3_9 },
    { "size_from_format_without_items_is_0", FAILS, BEFORE_3_9 },
    { "size_from_format_counts_and_spaces", FAILS, BEFORE_3_9 },
    { "size_from_format_padding_comes_before_an_item_only", FAILS, BEFORE_3_9 },
    { "size_from_format_complex_pairs_begin_with_3_15", FAILS, BEFORE_3_9 },
    { "size_from_format_refuses_what_struct_refuses", FAILS, BEFORE_3_9 },
    { "size_from_format_beyond_the_largest_size_is_refused", FAILS, BEFORE_3_9 },
    { "size_from_format_beyond_the_largest_number_of_items_is_refused", FAILS, BEFORE_3_9 },
    { "size_from_format_the_first_fault_from_the_left_counts", FAILS, BEFORE_3_9 },
    { "size_from_format_invalid_utf_8_is_a_unicode_decode_error", FAILS, BEFORE_3_9 },
    { "size_from_format_non_ascii_is_refused_by_the_versions_own_error", FAILS, BEFORE_3_9 },

    { NULL, FAILS, EVERYWHERE },
};
