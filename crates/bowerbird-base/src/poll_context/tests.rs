use crate::model_or_real;

model_or_real! { {} {

use super::*;

fn request(message: &str) -> Request {
    Request::of_task(Some(message.into()))
}

fn cleanup() -> Cleanup {
    Cleanup { future: Box::pin(std::future::ready(())), location: Location::caller() }
}

#[test]
fn attention_is_zero_until_something_is_about() {
    let task = 8 as *const ();
    begin(task);
    assert!(!needs_attention());
    offer(request("stop"));
    assert!(needs_attention() && is_offered());
    assert_eq!(take_request(), Some((request("stop"), Delivery::Offered)));
    assert!(!needs_attention());
    raise(request("up"));
    assert_eq!(delivery(), Delivery::Unwinding);
    assert!(!is_offered());
    assert_eq!(take_request(), Some((request("up"), Delivery::Unwinding)));
    assert_eq!(end(), Ended { yielded: false, needs_attention: false });
}

#[test]
fn offered_request_can_be_looked_at_and_stays() {
    assert_eq!(offered(), None);
    offer(request("stop"));
    assert_eq!(offered(), Some(request("stop")));
    assert!(is_offered());
    take_request();
    raise(request("up"));
    assert_eq!(offered(), None, "what unwinds is no offer");
    take_request();
}

#[test]
fn of_two_requests_the_one_from_further_out_stays() {
    let inner = |number| Request { origin: number, ..request("inner") };
    let mut place = None;
    inner(5).merge_into(&mut place);
    inner(7).merge_into(&mut place);
    assert_eq!(place, Some(inner(5)));
    Request { cancelling: 1, ..request("first") }.merge_into(&mut place);
    Request { cancelling: 2, ..request("second") }.merge_into(&mut place);
    inner(3).merge_into(&mut place);
    let merged = Request { cancelling: 2, ..request("first") };
    assert_eq!(place, Some(merged), "the count is that of the later one");
}

#[test]
fn cleanups_are_taken_from_a_mark_in_their_order() {
    begin(8 as *const ());
    push_cleanup(cleanup()).unwrap();
    let mark = cleanup_mark();
    push_cleanup(cleanup()).unwrap();
    push_cleanup(cleanup()).unwrap();
    assert_eq!(take_cleanups(mark).len(), 2);
    assert_eq!(take_cleanups(mark).len(), 0);
    assert_eq!(take_cleanups(0).len(), 1);
    assert!(!end().needs_attention);
}

#[test]
fn cleanup_outside_a_poll_is_given_back() {
    assert!(push_cleanup(cleanup()).is_err());
    assert!(!needs_attention());
}

#[test]
fn budget_runs_out_and_asks_for_another_poll() {
    let mut cx = Context::from_waker(std::task::Waker::noop());
    begin(cx.waker().data());
    begin(8 as *const ());
    for _ in 0..BUDGET {
        match poll_proceed(&mut cx) {
            Poll::Ready(proceed) => proceed.made_progress(),
            Poll::Pending => panic!("the budget ended early"),
        }
    }
    assert!(poll_proceed(&mut cx).is_pending());
    assert!(unconstrained(|| poll_proceed(&mut cx).is_ready()));
    end();
}

#[test]
fn set_aside_poll_comes_back_as_it_was() {
    begin(8 as *const ());
    offer(request("outer"));
    push_cleanup(cleanup()).unwrap();
    consume_budget(28);
    {
        let _outer = set_aside();
        assert!(!needs_attention());
        begin(16 as *const ());
        assert_eq!(current_task(), 16 as *const ());
        end();
    }
    assert_eq!(current_task(), 8 as *const ());
    assert!(is_offered());
    assert_eq!(take_cleanups(0).len(), 1);
    take_request();
    end();
}

#[test]
fn waits_are_kept_where_they_are_tracked() {
    note_wait("sleep", 1, None);
    assert_eq!(take_waits(), []);
    assert!(!set_tracked(true));
    let location = Some(Location::caller());
    note_wait("sleep", 1, None);
    note_wait("lock", 2, location);
    note_wait("sleep", 1, None);
    let outer = set_aside();
    assert!(!is_tracked());
    note_wait("inner", 3, None);
    drop(outer);
    assert!(is_tracked());
    let kept = take_waits();
    let sleep = Wait { kind: "sleep", object: 1, location: None };
    assert_eq!(kept, [sleep, Wait { kind: "lock", object: 2, location }]);
    for object in 0..2 * MOST_WAITS as u64 {
        note_wait("task", object, None);
    }
    assert_eq!(take_waits().len(), MOST_WAITS);
    assert!(set_tracked(false));
}

#[test]
fn offload_without_a_runtime_gives_the_job_back() {
    assert!(offload(OffloadClass::Other, Box::new(|| ())).is_err());
}

} }
