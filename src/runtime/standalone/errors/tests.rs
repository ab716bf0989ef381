use super::*;
use std::string::String;
use std::thread;

fn shown() -> Option<String> {
    let text = text();
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_str().unwrap().into())
}

#[test]
fn errors_are_each_threads_own() {
    set(exceptions::of(Kind::Value), c"mine");
    let other = thread::spawn(|| {
        assert_eq!(shown(), None);
        set(exceptions::of(Kind::Type), c"theirs");
        let found = (occurred() == exceptions::of(Kind::Type), shown());
        clear();
        assert_eq!(shown(), None);
        found
    });
    assert_eq!(other.join().unwrap(), (true, Some("theirs".into())));
    assert_eq!(shown().as_deref(), Some("mine"));
    assert_eq!(occurred(), exceptions::of(Kind::Value));
    clear();
    assert!(occurred().is_null());
}

#[test]
fn type_name_longer_than_100_bytes_is_cut() {
    let long = std::ffi::CString::new("n".repeat(150)).unwrap();
    raise(&Error::TypeName(c"a bytes-like object is required, not '%.100s'", long.as_ptr()));
    let expected = std::format!("a bytes-like object is required, not '{}'", "n".repeat(100));
    assert_eq!(shown().as_deref(), Some(expected.as_str()));
    clear();
}

#[test]
fn type_name_cut_within_a_character_loses_it() {
    let long = std::ffi::CString::new("n".repeat(98) + "€x").unwrap();
    raise(&Error::TypeName(c"not '%.100s'", long.as_ptr()));
    assert_eq!(shown(), Some(std::format!("not '{}'", "n".repeat(98))));
    let broken = std::ffi::CString::new(b"n\xe2\x82".to_vec()).unwrap();
    raise(&Error::TypeName(c"not '%.100s'", broken.as_ptr()));
    assert_eq!(shown().as_deref(), Some("not 'n\u{fffd}'"));
    clear();
}
