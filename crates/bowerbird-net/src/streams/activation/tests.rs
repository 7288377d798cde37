use super::handed_over;

fn asked(pid: Option<&str>, count: Option<&str>) -> std::io::Result<Option<i32>> {
    handed_over(42, |name| {
        let value = if name == "LISTEN_PID" { pid } else { count };
        value.map(str::to_owned)
    })
}

#[test]
fn only_the_process_that_is_meant_is_given_something() {
    assert_eq!(asked(Some("42"), Some("2")).unwrap(), Some(2));
    assert_eq!(asked(Some("41"), Some("2")).unwrap(), None);
    assert_eq!(asked(None, Some("2")).unwrap(), None);
    assert_eq!(asked(Some("42"), None).unwrap(), None);
    assert_eq!(asked(Some("42"), Some("0")).unwrap(), None);
    assert_eq!(asked(Some("42"), Some("4294967295")).unwrap(), None);
}

#[test]
fn what_is_no_number_is_named() {
    let error = asked(Some("42"), Some("many")).unwrap_err().to_string();
    assert!(error.contains("LISTEN_FDS is `many`"), "{error}");
}
