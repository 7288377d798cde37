use super::*;

#[test]
fn flags_are_shown_by_name() {
    let flags = AddrInfoFlags::PASSIVE | AddrInfoFlags::NUMERICHOST;
    assert_eq!(format!("{flags:?}"), "{PASSIVE, NUMERICHOST}");
    assert!(flags.contains(AddrInfoFlags::PASSIVE) && !flags.contains(AddrInfoFlags::CANONNAME));
    assert_eq!(format!("{:?} {:?}", Family::INET6, SocketType::DGRAM), "INET6 DGRAM");
    assert_eq!(format!("{:?}", Family::from_raw(99)), "Family(99)");
    assert_eq!(format!("{:?}", NameInfoFlags::from_raw(1 << 30)), "{1073741824}");
}

#[test]
fn futures_may_move_to_other_threads() {
    fn is_sendable<T: Send + Sync + Unpin>() {}
    is_sendable::<GetAddrInfo>();
    is_sendable::<GetNameInfo>();
    is_sendable::<LookupHost>();
}
