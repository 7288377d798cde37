use crate::model_or_real;

model_or_real! { {} {

use super::{Input, Unclosed};
use crate::debug::quiet;
use crate::debug::tests::{On, heard};

const RESET: &str = "unclosed Pipe to you: it was dropped with unread input, which resets the connection";
const OPEN: &str = "unclosed Pipe to you: it was written to, and dropped without shutdown()";

/// What is told of a pipe that is used and dropped.
fn told(use_it: impl FnOnce(&Unclosed), input: Input) -> Vec<String> {
    let mut unclosed = Unclosed::new(None);
    use_it(&unclosed);
    unclosed.dropped("Pipe", || input, || Some("you".into()));
    unclosed.dropped("Pipe", || unreachable!(), || unreachable!());
    heard().into_iter().map(|warning| warning.text).collect()
}

#[test]
fn table_of_the_module() {
    let _on = On::new();
    for (input, open, other) in [
        (Input::Unread, vec![RESET], vec![RESET]),
        (Input::Nothing, vec![OPEN], vec![]),
        (Input::Ended, vec![], vec![]),
    ] {
        assert_eq!(told(Unclosed::wrote, input), open);
        assert_eq!(told(|_| (), input), other);
        let ended = |it: &Unclosed| {
            it.wrote();
            it.ended();
        };
        assert_eq!(told(ended, input), other);
        let intended = |it: &Unclosed| {
            it.wrote();
            it.intend();
        };
        assert!(told(intended, input).is_empty());
        let _quiet = quiet();
        assert!(told(Unclosed::wrote, input).is_empty());
    }
}

#[test]
fn empty_one_is_a_word_and_asks_nothing() {
    assert_eq!(size_of::<Unclosed>(), size_of::<usize>());
    let mut unclosed = Unclosed::default();
    unclosed.wrote();
    unclosed.dropped("Pipe", || unreachable!(), || unreachable!());
}

}}
