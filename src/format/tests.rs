use super::*;

fn size_of(format: &str) -> usize {
    item_size(format.as_bytes()).unwrap_or_else(|problem| panic!("{format}: {problem:?}"))
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
        ("T{3x:v:^g:g:Zg:G:=e:e:O:O:}", 61),
        ("T{(2)i:a:(2)(3)h:b:}", 20),
        (
            "T{T{<B:a:3x<I:b:}:s:(5)<c:c:3xB:u:&T{<B:a:3x<I:b:}:p:X{}:f:<z:z:<Z:w:(2,3)<h:m:<b:x:3x}",
            65,
        ),
        ("T{&<i:p:<b:b:7x}", 16),
        ("T{}", 0),
        ("5x", 5),
        ("ib", 5),
    ] {
        assert_eq!(size_of(format), size, "{format}");
    }
}
