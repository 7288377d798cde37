use crate::model_or_real;

model_or_real! { {} {

use std::panic::Location;

use super::CallSite;
use crate::debug::tests::{On, heard};
use crate::debug::{Warning, WarningKind, quiet};

fn unawaited(location: &'static Location<'static>) -> Warning {
    Warning::new(WarningKind::NeverUsed, "nap() was never awaited").at(location)
}

#[test]
fn dropped_before_its_first_poll_it_is_reported() {
    let _on = On::new();
    let (site, here) = (CallSite::new("nap"), Location::caller());
    assert_eq!((site.location().file(), site.location().line()), (here.file(), line!() - 1));
    let location = site.location();
    drop(site);
    assert_eq!(heard(), [unawaited(location)]);
    // It may go to another thread.
    std::thread::spawn(move || {
        let site = CallSite::at("nap", location);
        drop(site);
        assert_eq!(heard(), [unawaited(location)]);
    })
    .join()
    .unwrap();
}

#[test]
fn polled_it_is_not_reported() {
    let _on = On::new();
    let mut site = CallSite::new("nap");
    let location = site.location();
    site.polled();
    site.polled();
    assert_eq!(site.location(), location);
    assert_eq!(format!("{site:?}"), location.to_string());
    drop(site);
    assert_eq!(heard(), []);
}

#[test]
fn silent_or_under_quiet_it_is_not_reported() {
    let _on = On::new();
    drop(CallSite::silent(Location::caller()));
    let site = CallSite::new("nap");
    let _quiet = quiet();
    drop(site);
    assert_eq!(heard(), []);
}

#[test]
fn it_is_one_word_with_a_niche() {
    assert_eq!(size_of::<Option<CallSite>>(), size_of::<usize>());
}

}}
