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
fn records_of_ended_threads_are_used_again() {
    let count = || records().count();
    let leave_an_error = || {
        thread::spawn(|| set(exceptions::of(Kind::Value), c"left behind")).join().unwrap();
    };
    for _ in 0..4 {
        leave_an_error();
    }
    let before = count();
    for _ in 0..200 {
        leave_an_error();
    }
    // Other tests run beside this one and have errors of their own.
    assert!(count() <= before + 8, "{before} records became {}", count());
}

#[test]
fn type_name_longer_than_100_bytes_is_cut() {
    let long = std::ffi::CString::new("n".repeat(150)).unwrap();
    raise(&Error::TypeName(c"a bytes-like object is required, not '%.100s'", long.as_ptr()));
    let expected = std::format!("a bytes-like object is required, not '{}'", "n".repeat(100));
    assert_eq!(shown().as_deref(), Some(expected.as_str()));
    clear();
}
