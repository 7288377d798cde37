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
        let all = json!({
            "facts": facts,
            "geometric_means": means.collect::<Vec<_>>(),
            "rows": self.rows.iter().map(Row::to_json).collect::<Vec<_>>(),
        });
        // A row a line: short, and a difference between two files can be read.
        let rows: Vec<_> = self.rows.iter().map(|row| format!("  {}", row.to_json())).collect();
        let Value::Object(mut all) = all else { unreachable!("it was made as one") };
        all.remove("rows");
        let head: Vec<_> = all.iter().map(|(key, value)| format!("{key:?}: {value}")).collect();
        format!("{{{},\n\"rows\": [\n{}\n]}}\n", head.join(",\n"), rows.join(",\n"))
    }

    /// Takes the rows of a file; those that it has too are replaced. Gives what the file says of the machine.
    ///
    /// # Errors
    ///
    /// If the file has another form. Rows of cases that are no more are left out.
    pub(crate) fn take_json(&mut self, text: &str) -> io::Result<Value> {
        let mut file: Value = serde_json::from_str(text)?;
        let rows = file["rows"].as_array().ok_or_else(|| io::Error::other("it has no \"rows\""))?;
        for row in rows {
            if let Some(row) = Row::from_json(row) {
                let is_same = |other: &Row| {
                    (other.case.name, other.workers, other.metric)
                        == (row.case.name, row.workers, row.metric)
                };
                self.rows.retain(|other| !is_same(other));
                self.rows.push(row);
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
