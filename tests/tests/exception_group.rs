//! `ExceptionGroup`: names, splitting and the printed tree follow Python's `test_exception_group` and
//! `test_traceback`.

use std::error::Error;
use std::{fmt, io};

use bowerbird::groups::TaskFailure;
use bowerbird::{BoxError, ExceptionGroup};

#[derive(Debug, PartialEq)]
struct TypeError(u32);

#[derive(Debug, PartialEq)]
struct ValueError(u32);

#[derive(Debug)]
struct WithCause(&'static str, BoxError);

macro_rules! shown_with_number {
    ($($name:ident)+) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}: {}", stringify!($name), self.0)
            }
        }
        impl Error for $name {}
    )+};
}

shown_with_number!(TypeError ValueError);

impl fmt::Display for WithCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for WithCause {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.1)
    }
}

/// eg("eg", TypeError 1, eg("nested", TypeError 2, ValueError 3), ValueError 4)
fn nested() -> ExceptionGroup {
    let inner = ExceptionGroup::new("nested", [TypeError(2).into(), ValueError(3).into()]);
    ExceptionGroup::new("eg", [TypeError(1).into(), inner.into(), ValueError(4).into()])
}

/// The leaves and the groups as a line: `eg(1 nested(2 3) 4)`.
fn shape(group: &ExceptionGroup) -> String {
    let parts: Vec<String> = group
        .exceptions()
        .iter()
        .map(|failure| match failure.as_group() {
            Some(group) => shape(group),
            None => failure.to_string().rsplit(' ').next().unwrap().to_owned(),
        })
        .collect();
    format!("{}({})", group.message(), parts.join(" "))
}

fn shapes((matching, rest): (Option<ExceptionGroup>, Option<ExceptionGroup>)) -> [String; 2] {
    [matching, rest].map(|part| part.as_ref().map_or("None".into(), shape))
}

#[test]
fn message_and_count_are_shown_on_one_line() {
    assert_eq!(nested().to_string(), "eg (3 sub-exceptions)");
    assert_eq!(
        ExceptionGroup::new("one", [TypeError(1).into()]).to_string(),
        "one (1 sub-exception)"
    );
    assert_eq!(nested().message(), "eg");
    assert_eq!(nested().len(), 3);
}

#[test]
#[should_panic(expected = "ExceptionGroup `nothing` was made of no errors")]
fn group_of_no_errors_is_refused() {
    ExceptionGroup::new("nothing", []);
}

#[test]
fn split_by_type_keeps_the_tree_in_both_parts() {
    let parts = nested().split::<TypeError>();
    assert_eq!(shapes(parts), ["eg(1 nested(2))", "eg(nested(3) 4)"]);
}

#[test]
fn split_by_type_with_no_match_gives_everything_as_the_rest() {
    assert_eq!(shapes(nested().split::<io::Error>()), ["None", "eg(1 nested(2 3) 4)"]);
}

#[test]
fn split_by_type_where_all_match_leaves_no_rest() {
    let all = ExceptionGroup::new("eg", [TypeError(1).into(), TypeError(2).into()]);
    assert_eq!(shapes(all.split::<TypeError>()), ["eg(1 2)", "None"]);
}

#[test]
fn split_by_predicate_asks_groups_before_their_errors() {
    let whole = nested().split_with(|error| error.is::<ExceptionGroup>());
    assert_eq!(shapes(whole), ["eg(1 nested(2 3) 4)", "None"]);
    let inner = nested().split_with(|error| {
        error.downcast_ref::<ExceptionGroup>().is_some_and(|group| group.message() == "nested")
    });
    assert_eq!(shapes(inner), ["eg(nested(2 3))", "eg(1 4)"]);
    let mut asked = Vec::new();
    drop(nested().split_with(|error| {
        asked.push(error.to_string());
        false
    }));
    assert_eq!(
        asked,
        [
            "eg (3 sub-exceptions)",
            "TypeError: 1",
            "nested (2 sub-exceptions)",
            "TypeError: 2",
            "ValueError: 3",
            "ValueError: 4"
        ]
    );
}

#[test]
fn subgroup_is_the_matching_part_of_a_split() {
    assert_eq!(shape(&nested().subgroup::<ValueError>().unwrap()), "eg(nested(3) 4)");
    assert!(nested().subgroup::<io::Error>().is_none());
    let even = nested().subgroup_with(|error| {
        error.downcast_ref::<TypeError>().is_some_and(|error| error.0 % 2 == 0)
    });
    assert_eq!(shape(&even.unwrap()), "eg(nested(2))");
}

#[test]
fn handle_calls_the_handler_once_with_all_that_match() {
    let mut seen = Vec::new();
    let left = nested()
        .handle::<ValueError>(|part| seen.push(shape(&part)))
        .or_else(|rest| rest.handle::<io::Error>(|_| unreachable!("there is none")))
        .or_else(|rest| rest.handle::<TypeError>(|part| seen.push(shape(&part))));
    assert!(left.is_ok());
    assert_eq!(seen, ["eg(nested(3) 4)", "eg(1 nested(2))"]);
}

#[test]
fn derive_keeps_the_message() {
    assert_eq!(shape(&nested().derive([TypeError(7).into()])), "eg(7)");
}

#[test]
fn leaves_and_find_look_at_every_depth() {
    let group = nested();
    let leaves: Vec<String> = group.leaves().map(ToString::to_string).collect();
    assert_eq!(leaves, ["TypeError: 1", "TypeError: 2", "ValueError: 3", "ValueError: 4"]);
    assert_eq!(group.find::<ValueError>(), Some(&ValueError(3)));
    assert!(group.find::<io::Error>().is_none());
}

#[test]
fn source_is_the_first_error_and_its_causes_follow() {
    let cause = WithCause("no configuration", Box::new(TypeError(1)));
    let group = ExceptionGroup::new("start", [cause.into(), ValueError(2).into()]);
    let source = group.source().unwrap();
    assert_eq!(source.to_string(), "no configuration");
    assert_eq!(source.source().unwrap().to_string(), "TypeError: 1");
}

#[test]
fn failure_passed_on_as_an_error_is_not_wrapped_twice() {
    let failure = TaskFailure::new(TypeError(1));
    let group = ExceptionGroup::new("eg", [failure.into()]);
    assert!(group.exceptions()[0].error().is::<TypeError>());
    assert_eq!(group.exceptions()[0].task_name(), None);
    let error: BoxError = group.into_exceptions().remove(0).into_error();
    assert_eq!(error.downcast_ref(), Some(&TypeError(1)));
}

#[test]
fn tree_is_laid_out_as_python_prints_it() {
    let expected = "  | ExceptionGroup: eg (3 sub-exceptions)
  +-+---------------- 1 ----------------
    | TypeError: 1
    +---------------- 2 ----------------
    | ExceptionGroup: nested (2 sub-exceptions)
    +-+---------------- 1 ----------------
      | TypeError: 2
      +---------------- 2 ----------------
      | ValueError: 3
      +------------------------------------
    +---------------- 3 ----------------
    | ValueError: 4
    +------------------------------------";
    assert_eq!(nested().tree().to_string(), expected);
    assert_eq!(format!("{:#}", nested()), expected);
    assert_eq!(format!("{:?}", nested()), format!("eg (3 sub-exceptions)\n{expected}"));
}

#[test]
fn tree_that_ends_with_a_group_is_closed_once() {
    let inner = ExceptionGroup::new("nested", [TypeError(2).into()]);
    let group = ExceptionGroup::new("eg", [TypeError(1).into(), inner.into()]);
    let expected = "  | ExceptionGroup: eg (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | TypeError: 1
    +---------------- 2 ----------------
    | ExceptionGroup: nested (1 sub-exception)
    +-+---------------- 1 ----------------
      | TypeError: 2
      +------------------------------------";
    assert_eq!(group.tree().to_string(), expected);
}

#[test]
fn tree_shows_causes_and_texts_of_several_lines() {
    let cause = WithCause("first line\nsecond line", Box::new(TypeError(1)));
    let group = ExceptionGroup::new("eg", [cause.into()]);
    let expected = "  | ExceptionGroup: eg (1 sub-exception)
  +-+---------------- 1 ----------------
    | first line
    | second line
    | caused by: TypeError: 1
    +------------------------------------";
    assert_eq!(group.tree().to_string(), expected);
}

#[test]
fn tree_of_a_wide_group_says_how_much_it_leaves_out() {
    let group = ExceptionGroup::new("eg", (0..100).map(|n| TypeError(n).into()));
    let tree = group.tree().to_string();
    let end = "    +---------------- 15 ----------------
    | TypeError: 14
    +---------------- ... ----------------
    | and 85 more
    +------------------------------------";
    assert!(tree.ends_with(end), "{tree}");
}

#[test]
fn tree_of_a_deep_group_ends_at_ten() {
    let mut group = ExceptionGroup::new("deepest", [TypeError(1).into()]);
    for _ in 0..2_000 {
        group = ExceptionGroup::new("eg", [group.into()]);
    }
    let tree = group.tree().to_string();
    assert!(tree.contains("... (10 groups inside one another)"), "{tree}");
    assert!(tree.lines().count() < 50, "{tree}");
}
