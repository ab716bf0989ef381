use super::*;

fn size_of(format: &str) -> usize {
    item_size(format.as_bytes()).unwrap_or_else(|problem| panic!("{format}: {problem:?}"))
}

const POINTER: usize = core::mem::size_of::<*const u8>();

/// C's `long double`, by the table of codes.
fn long_double() -> usize {
    size_of("g")
}

#[test]
fn structs_are_padded_where_native_order_is_in_force_at_the_end() {
    for (format, size) in [
        ("T{i:a:b:b:}", 8),
        ("T{=i:a:b:b:}", 5),
        ("T{=i:a:@b:b:}", 5),
        ("^T{ib}", 5),
        ("T{T{i:a:b:b:}:n:xxxb:c:}", 12),
        ("T{(2)T{i:a:b:b:}:n:xxxxxxb:c:}", 20),
        ("T{T{T{i:a:b:b:}:n:}:m:xxxb:c:}", 12),
        ("T{T{i:a:b:b:}:n:b:c:}", 12),
        ("T{3x:v:^g:g:Zg:G:=e:e:O:O:}", 5 + 3 * long_double() + POINTER),
        ("T{(2)i:a:(2)(3)h:b:}", 20),
        (
            "T{T{<B:a:3x<I:b:}:s:(5)<c:c:3xB:u:&T{<B:a:3x<I:b:}:p:X{}:f:<z:z:<Z:w:(2,3)<h:m:<b:x:3x}",
            33 + 4 * POINTER,
        ),
        ("T{&<i:p:<b:b:7x}", 8 + POINTER),
        ("T{}", 0),
        ("5x", 5),
        ("ib", 5),
    ] {
        assert_eq!(size_of(format), size, "{format}");
    }
}

fn equivalent(first: &str, second: &str) -> bool {
    let compare = |a: &str, b: &str| equivalent::equivalent(a.as_bytes(), b.as_bytes());
    let forward = compare(first, second).unwrap_or_else(|why| panic!("{first} {second}: {why:?}"));
    assert_eq!(compare(second, first), Ok(forward), "{first} {second}");
    forward
}

#[test]
fn formats_of_the_same_memory_are_equivalent() {
    for (first, second) in [
        ("3i", "iii"),
        ("(2,3)i", "6i"),
        ("T{i:a:i:b:}", "ii"),
        ("i", if cfg!(target_endian = "big") { ">i" } else { "<i" }),
        ("100000000T{ic}", "100000000T{ic}"),
        ("100000000^T{ic}", "50000000^T{icic}"),
        ("100000000^T{2T{ic}}", "200000000^T{ic}"),
        ("100000000^T{ic}i", "40000000^T{ic}60000000T{ic}i"),
        ("5s", "5c"),
        ("100000000T{}", ""),
        ("100000000T{5x}", "500000000x"),
        ("100000000^T{ic}i", "40000000^T{ic}59999999T{ic}ici"),
    ] {
        assert!(equivalent(first, second), "{first} {second}");
    }
    for (first, second) in [
        ("100000000T{ic}", "100000000T{ic}i"),
        ("100000000^T{ic}i", "40000000^T{ic}60000000T{ic}I"),
        ("5p", "5s"),
    ] {
        assert!(!equivalent(first, second), "{first} {second}");
    }
}

#[test]
fn text_of_any_length_is_equivalent_to_itself() {
    let long = "T{ic}".repeat(1_000_000);
    assert!(equivalent(&long, &long));
    let wrong = "T{i".repeat(3);
    assert!(equivalent::equivalent(wrong.as_bytes(), wrong.as_bytes()).is_err());
}
