//! The samples of one server in one case.

use std::time::Duration;

use serde_json::{Value, json};

use super::figure::{mebibytes, micros, millis, thousands};
use super::statistics::Spread;
use crate::driver::Sample;
use crate::servers::Memory;

pub(crate) struct Row {
    pub case: String,
    pub server: String,
    /// One for each turn, in order.
    pub samples: Vec<Sample>,
    /// Of the server, after the last run.
    pub memory: Memory,
}

pub(super) const HEAD: [&str; 13] = [
    "case",
    "server",
    "rate/s",
    "min-max",
    "/null",
    "/file",
    "p50 ms",
    "p99 ms",
    "server µs",
    "driver µs",
    "RSS MiB",
    "peak",
    "errors",
];

impl Row {
    pub(crate) fn rates(&self) -> Vec<f64> {
        self.samples.iter().map(|sample| sample.rate).collect()
    }

    /// Microseconds of the server's processor time for each step.
    pub(crate) fn server_micros(&self) -> Vec<f64> {
        let times = self.samples.iter().map(|sample| sample.server_cpu);
        times.map(|time| time.as_secs_f64() * 1e6).collect()
    }

    fn rate(&self) -> Spread {
        Spread::of(self.rates()).unwrap_or(Spread::one(0.0))
    }

    fn median_time(&self, of: impl Fn(&Sample) -> Duration) -> Duration {
        let times = self.samples.iter().map(|sample| of(sample).as_secs_f64());
        Spread::of(times).map_or(Duration::ZERO, |s| Duration::from_secs_f64(s.median))
    }

    /// Unexpected statuses of all runs, as in `503 x 12`.
    fn errors(&self) -> String {
        let mut total = std::collections::BTreeMap::new();
        for (&status, count) in self.samples.iter().flat_map(|sample| &sample.errors) {
            *total.entry(status).or_insert(0) += count;
        }
        if total.is_empty() {
            return "0".to_owned();
        }
        let texts: Vec<_> = total
            .iter()
            .map(|(status, count)| format!("{status} x {count}"))
            .collect();
        texts.join(", ")
    }

    pub(super) fn cells(&self, to_null: Option<Spread>, to_file: Option<Spread>) -> Vec<String> {
        let rate = self.rate();
        let ratio = |ratio: Option<Spread>| {
            ratio.map_or_else(|| "-".to_owned(), |s| format!("{:.2}", s.median))
        };
        vec![
            self.case.clone(),
            self.server.clone(),
            thousands(rate.median),
            format!("{}-{}", thousands(rate.min), thousands(rate.max)),
            ratio(to_null),
            ratio(to_file),
            millis(self.median_time(|sample| sample.p50)),
            millis(self.median_time(|sample| sample.p99)),
            micros(self.median_time(|sample| sample.server_cpu)),
            micros(self.median_time(|sample| sample.driver_cpu)),
            mebibytes(self.memory.resident_kib),
            mebibytes(self.memory.peak_kib),
            self.errors(),
        ]
    }

    pub(super) fn to_json(&self, to_null: Option<Spread>, to_file: Option<Spread>) -> Value {
        json!({
            "case": self.case,
            "server": self.server,
            "rate_per_s": self.rate().to_json(),
            "ratio_to_null": to_null.map(Spread::to_json),
            "ratio_to_file": to_file.map(Spread::to_json),
            "resident_kib": self.memory.resident_kib,
            "peak_kib": self.memory.peak_kib,
            "runs": self.samples.iter().map(sample_to_json).collect::<Vec<_>>(),
        })
    }
}

fn sample_to_json(sample: &Sample) -> Value {
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    let errors: serde_json::Map<_, _> = sample
        .errors
        .iter()
        .map(|(status, &count)| (status.to_string(), Value::from(count)))
        .collect();
    json!({
        "rate_per_s": sample.rate,
        "p50_us": micros(sample.p50),
        "p99_us": micros(sample.p99),
        "server_cpu_us": micros(sample.server_cpu),
        "driver_cpu_us": micros(sample.driver_cpu),
        "retries": sample.retries,
        "errors": errors,
    })
}

impl Spread {
    pub(super) fn to_json(self) -> Value {
        json!({"median": self.median, "min": self.min, "max": self.max})
    }
}
