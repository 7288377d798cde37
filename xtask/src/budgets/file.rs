//! The file of budgets, and what a count comes to beside it.

use std::collections::BTreeMap;
use std::fmt;

use crate::command::Run;

/// In per cent: what a count may be off its budget if the file says nothing else.
const TOLERANCE: f64 = 0.5;
/// With another compiler or another C library than the file is for.
const TOLERANCE_ELSEWHERE: f64 = 15.0;

const HEADER: &str = "\
# Instructions an operation, one worker. Compared by `cargo xtask budgets`, written by `cargo xtask budgets --write`.
# A budget that is raised needs a reason in the commit.
#
# case, instructions, tolerance in per cent";

/// What the counts depend on beside our code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Platform {
    pub(super) rustc: String,
    pub(super) libc: String,
}

impl Platform {
    pub(super) fn here() -> Result<Self, String> {
        let first_line = |program: &str| {
            let (succeeded, text) = Run::new(program).words("--version").capture()?;
            let line = text.lines().next().filter(|_| succeeded).unwrap_or_default();
            Ok::<_, String>(line.to_owned())
        };
        Ok(Self { rustc: first_line("rustc")?, libc: first_line("ldd")? })
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Budget {
    instructions: f64,
    tolerance: f64,
}

/// The contents of the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Budgets {
    platform: Platform,
    cases: BTreeMap<String, Budget>,
}

impl Budgets {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut budgets = Self::default();
        for line in text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
            let (name, rest) = line.split_once(' ').ok_or_else(|| format!("what is `{line}`?"))?;
            match name {
                "rustc:" => rest.trim().clone_into(&mut budgets.platform.rustc),
                "libc:" => rest.trim().clone_into(&mut budgets.platform.libc),
                _ => {
                    let budget = parse_budget(rest).ok_or_else(|| {
                        format!("`{line}` is not a case, its instructions and a tolerance")
                    })?;
                    if budgets.cases.insert(name.to_owned(), budget).is_some() {
                        return Err(format!("`{name}` stands there twice"));
                    }
                }
            }
        }
        Ok(budgets)
    }

    /// With what was counted in the place of what stood there; with all counted, what is no case any more goes.
    pub(super) fn updated(
        mut self,
        counted: BTreeMap<String, f64>,
        platform: Platform,
        is_all: bool,
    ) -> Self {
        if is_all {
            self.cases.retain(|name, _| counted.contains_key(name));
        }
        for (name, instructions) in counted {
            let budget =
                self.cases.entry(name).or_insert(Budget { instructions, tolerance: TOLERANCE });
            budget.instructions = instructions;
        }
        self.platform = platform;
        self
    }

    pub(super) fn len(&self) -> usize {
        self.cases.len()
    }

    /// Says so if the counts are of another compiler or C library than the budgets.
    pub(super) fn platform_note(&self, here: &Platform) -> Option<String> {
        (self.platform != *here).then(|| {
            format!(
                "the budgets are for {} and {}; here are {} and {}: up to {TOLERANCE_ELSEWHERE} % are let pass",
                self.platform.rustc, self.platform.libc, here.rustc, here.libc
            )
        })
    }

    /// A verdict for each case that was counted, and for each that should have been.
    pub(super) fn compare(
        &self,
        counted: &BTreeMap<String, f64>,
        here: &Platform,
        is_all: bool,
    ) -> Vec<Verdict> {
        let missing = self.cases.iter().filter(|(name, _)| is_all && !counted.contains_key(*name));
        let missing = missing.map(|(name, budget)| (name, None, Some(*budget)));
        let counted = counted.iter();
        let counted =
            counted.map(|(name, &count)| (name, Some(count), self.cases.get(name).copied()));
        let is_elsewhere = self.platform != *here;
        counted
            .chain(missing)
            .map(|(name, count, budget)| {
                let mut tolerance = budget.map_or(0.0, |budget| budget.tolerance);
                if is_elsewhere {
                    tolerance = tolerance.max(TOLERANCE_ELSEWHERE);
                }
                let budget = budget.map(|budget| budget.instructions);
                Verdict { name: name.clone(), count, budget, tolerance }
            })
            .collect()
    }
}

fn parse_budget(text: &str) -> Option<Budget> {
    let mut numbers = text.split_whitespace().map(str::parse::<f64>);
    let budget = Budget { instructions: numbers.next()?.ok()?, tolerance: numbers.next()?.ok()? };
    let is_sound = budget.instructions > 0.0 && budget.tolerance >= 0.0 && numbers.next().is_none();
    is_sound.then_some(budget)
}

impl fmt::Display for Budgets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        writeln!(f, "rustc: {}", self.platform.rustc)?;
        writeln!(f, "libc: {}", self.platform.libc)?;
        for (name, Budget { instructions, tolerance }) in &self.cases {
            writeln!(f, "{name:<18} {instructions:>10.1} {tolerance:>5}")?;
        }
        Ok(())
    }
}

/// One case: its count beside its budget.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Verdict {
    name: String,
    count: Option<f64>,
    budget: Option<f64>,
    tolerance: f64,
}

impl Verdict {
    /// By how many per cent the count is above the budget.
    fn excess(&self) -> Option<f64> {
        Some((self.count? / self.budget? - 1.0) * 100.0)
    }

    pub(super) fn is_failure(&self) -> bool {
        self.excess().is_none_or(|excess| excess > self.tolerance)
    }

    pub(super) fn is_clearly_below(&self) -> bool {
        self.excess().is_some_and(|excess| excess < -self.tolerance)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, count, budget, tolerance } = self;
        match (count, budget) {
            (Some(count), Some(budget)) => {
                let excess = self.excess().unwrap_or_default();
                write!(f, "{name:<18} {count:>10.1}  budget {budget:>10.1}  {excess:>+6.2} %")?;
                match () {
                    () if self.is_failure() => write!(f, "  ABOVE (tolerance {tolerance} %)"),
                    () if self.is_clearly_below() => write!(f, "  below"),
                    () => Ok(()),
                }
            }
            (Some(count), None) => {
                write!(f, "{name:<18} {count:>10.1}  NO BUDGET: cargo xtask budgets --write")
            }
            _ => write!(f, "{name:<18} NOT COUNTED: there is a budget and no such case"),
        }
    }
}
