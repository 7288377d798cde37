//! The report as a JSON file, and back.

use std::io;

use serde_json::{Map, Value, json};

use super::{Report, Row, median, metric};
use crate::plan;

impl Report {
    /// Every figure of every round, with what is known of the machine.
    pub(crate) fn to_json(&self, facts: &Value) -> String {
        let means = self.means().into_iter().map(|mean| {
            json!({"workers": mean.workers, "of": mean.of, "mean": mean.mean, "cases": mean.cases})
        });
        let means = Value::from(means.collect::<Vec<_>>());
        // A row a line: short, and a difference between two files can be read.
        let rows: Vec<_> = self.rows.iter().map(|row| row.to_json().to_string()).collect();
        let rows = rows.join(",\n  ");
        format!(
            "{{\"facts\": {facts},\n\"geometric_means\": {means},\n\"rows\": [\n  {rows}\n]}}\n"
        )
    }

    /// Puts the rounds of a file behind those that there are. Gives what the file says of the machine.
    ///
    /// # Errors
    ///
    /// If the file has another form. Rows of cases that are no more are left out.
    pub(crate) fn take_json(&mut self, text: &str) -> io::Result<Value> {
        let mut file: Value = serde_json::from_str(text)?;
        let rows = file["rows"].as_array().ok_or_else(|| io::Error::other("it has no \"rows\""))?;
        for row in rows.iter().filter_map(Row::from_json) {
            let rounds = self.rounds_of(row.case, row.workers, row.metric);
            for (name, more) in row.rounds {
                match rounds.iter_mut().find(|(other, _)| *other == name) {
                    Some((_, rounds)) => rounds.extend(more),
                    None => rounds.push((name, more)),
                }
            }
        }
        Ok(file["facts"].take())
    }
}

impl Row {
    fn to_json(&self) -> Value {
        let runtimes = self.rounds.iter().map(|(name, rounds)| {
            (name.clone(), json!({"median": median(rounds), "rounds": rounds}))
        });
        let verdict = self.verdict();
        json!({
            "case": self.case.name,
            "workers": self.workers,
            "metric": self.metric.name,
            "unit": self.metric.unit,
            "best_peer": verdict.as_ref().map(|verdict| verdict.best_peer),
            "ratio": verdict.as_ref().map(|verdict| verdict.ratio),
            "runtimes": runtimes.collect::<Map<_, _>>(),
        })
    }

    fn from_json(row: &Value) -> Option<Self> {
        let rounds = row["runtimes"].as_object()?.iter().map(|(name, figures)| {
            let rounds = figures["rounds"].as_array()?.iter();
            Some((name.clone(), rounds.map(Value::as_f64).collect::<Option<Vec<_>>>()?))
        });
        Some(Self {
            case: plan::find(row["case"].as_str()?)?,
            workers: row["workers"].as_u64()? as usize,
            metric: metric(row["metric"].as_str()?)?,
            rounds: rounds.collect::<Option<_>>()?,
        })
    }
}
