use std::collections::BTreeMap;

use super::file::{Budgets, Platform};
use super::{parse, parse_case, parse_instructions, select};

const FILE: &str = "\
# a comment
rustc: rustc 1.95.0
libc: ldd 2.36
spawn 600.0 0.5
echo 9000.0 2
";

fn here() -> Platform {
    Platform { rustc: "rustc 1.95.0".to_owned(), libc: "ldd 2.36".to_owned() }
}

fn counted(counts: &[(&str, f64)]) -> BTreeMap<String, f64> {
    counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

/// The names of those that fail, and of those that are clearly below.
fn verdicts(counts: &[(&str, f64)], here: &Platform) -> (Vec<String>, Vec<String>) {
    let verdicts = Budgets::parse(FILE).unwrap().compare(&counted(counts), here, true);
    let names = |is: fn(&super::Verdict) -> bool| {
        let names = verdicts.iter().filter(|verdict| is(verdict));
        names.map(|verdict| verdict.to_string().split(' ').next().unwrap().to_owned()).collect()
    };
    (names(super::Verdict::is_failure), names(super::Verdict::is_clearly_below))
}

#[test]
fn case_above_its_budget_by_more_than_the_tolerance_fails() {
    let within = [("spawn", 602.9), ("echo", 9179.0)];
    assert_eq!(verdicts(&within, &here()), (vec![], vec![]));
    let above = [("spawn", 603.1), ("echo", 9179.0)];
    assert_eq!(verdicts(&above, &here()), (vec!["spawn".to_owned()], vec![]));
}

#[test]
fn case_clearly_below_its_budget_is_told_and_passes() {
    let below = [("spawn", 596.9), ("echo", 9000.0)];
    assert_eq!(verdicts(&below, &here()), (vec![], vec!["spawn".to_owned()]));
}

#[test]
fn case_without_a_budget_and_budget_without_a_case_fail() {
    let (failed, _) = verdicts(&[("spawn", 600.0), ("new", 1.0)], &here());
    assert_eq!(failed, ["new", "echo"]);
}

#[test]
fn other_compiler_or_libc_widens_the_tolerance_and_says_so() {
    let budgets = Budgets::parse(FILE).unwrap();
    let elsewhere = Platform { rustc: "rustc 1.96.0".to_owned(), ..here() };
    assert!(budgets.platform_note(&elsewhere).unwrap().contains("1.96.0"));
    assert_eq!(budgets.platform_note(&here()), None);
    let (failed, _) = verdicts(&[("spawn", 660.0), ("echo", 9000.0)], &elsewhere);
    assert!(failed.is_empty());
    let (failed, _) = verdicts(&[("spawn", 720.0), ("echo", 9000.0)], &elsewhere);
    assert_eq!(failed, ["spawn"]);
}

#[test]
fn budgets_are_written_as_they_are_read() {
    let budgets = Budgets::parse(FILE).unwrap();
    assert_eq!(Budgets::parse(&budgets.to_string()), Ok(budgets.clone()));
    let some = budgets.clone().updated(counted(&[("spawn", 500.0)]), here(), false);
    assert_eq!(some.len(), 2);
    assert!(
        some.compare(&counted(&[("spawn", 500.0)]), &here(), false).iter().all(|v| !v.is_failure())
    );
    assert_eq!(budgets.updated(counted(&[("spawn", 500.0)]), here(), true).len(), 1);
}

#[test]
fn bad_lines_of_the_file_are_errors() {
    for bad in ["spawn", "spawn 600.0", "spawn 0 0.5", "spawn x 0.5", "spawn 1 1 1", "a 1 1\na 1 1"]
    {
        assert!(Budgets::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn zero_cases_and_unknown_cases_are_errors() {
    let all = vec![parse_case("spawn 1000 2 7 bowerbird tokio").unwrap()];
    assert_eq!(all[0].batches, (2, 7));
    assert_eq!(all[0].contenders, ["bowerbird", "tokio"]);
    assert!(select(all.clone(), &["spawm".to_owned()]).unwrap_err().contains("spawn"));
    assert_eq!(select(all, &[]).unwrap().len(), 1);
    assert_eq!(select(vec![], &[]).unwrap_err(), "counted zero cases");
}

#[test]
fn instructions_are_read_from_valgrinds_summary() {
    assert_eq!(parse_instructions("==1== \n==1== I   refs:      1,234,567\n"), Some(1_234_567));
    assert_eq!(parse_instructions("==1== Warning"), None);
}

#[test]
fn unknown_option_is_an_error() {
    assert!(parse(&["--wirte".to_owned()]).is_err());
    assert!(parse(&["--write".to_owned(), "--peers".to_owned()]).is_err());
}
