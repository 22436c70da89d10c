//! Processor time and memory of a process, from /proc.

use std::fs;
use std::iter::Sum;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::param::clock_ticks_per_second;

/// A process, known by its number.
#[derive(Clone, Copy)]
pub(crate) struct Process {
    id: u32,
}

/// Memory of a process, in KiB.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Memory {
    /// `VmRSS`
    pub resident_kib: u64,
    /// `VmHWM`: the most that was ever resident.
    pub peak_kib: u64,
}

impl Sum for Memory {
    fn sum<I: Iterator<Item = Memory>>(all: I) -> Memory {
        let none = Memory {
            resident_kib: 0,
            peak_kib: 0,
        };
        all.fold(none, |sum, it| Memory {
            resident_kib: sum.resident_kib + it.resident_kib,
            peak_kib: sum.peak_kib + it.peak_kib,
        })
    }
}

impl Process {
    pub(crate) fn new(id: u32) -> Process {
        Process { id }
    }

    /// User and system time of all threads so far, to a clock tick (10 ms).
    ///
    /// # Errors
    ///
    /// When the process is gone.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        let stat = self.read("stat")?;
        let ticks = cpu_ticks(&stat).context("/proc has a stat that cannot be read")?;
        Ok(Duration::from_secs_f64(
            ticks as f64 / clock_ticks_per_second() as f64,
        ))
    }

    /// # Errors
    ///
    /// When the process is gone.
    pub(crate) fn memory(&self) -> Result<Memory> {
        let status = self.read("status")?;
        memory(&status).context("/proc has a status that cannot be read")
    }

    fn read(&self, file: &str) -> Result<String> {
        let path = format!("/proc/{}/{file}", self.id);
        fs::read_to_string(&path).with_context(|| format!("{path} cannot be read"))
    }
}

/// `utime` and `stime` of proc_pid_stat(5); fields are counted after the name, which may hold spaces and parentheses.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

fn memory(status: &str) -> Option<Memory> {
    let kib = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_ascii_whitespace().next()?.parse().ok()
    };
    Some(Memory {
        resident_kib: kib("VmRSS:")?,
        peak_kib: kib("VmHWM:")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_found_behind_any_name() {
        let stat = "4711 (a (b) c) S 1 4711 4711 0 -1 4194304 1 2 3 4 150 25 0 0 20 0 3 0";
        assert_eq!(cpu_ticks(stat), Some(175));
        assert_eq!(cpu_ticks("4711 (short) S 1"), None);
    }

    #[test]
    fn memory_is_read_by_name() {
        let status = "Name:\tx\nVmPeak:\t  9000 kB\nVmHWM:\t  2048 kB\nVmRSS:\t  1024 kB\n";
        let expected = Memory {
            resident_kib: 1024,
            peak_kib: 2048,
        };
        assert_eq!(memory(status), Some(expected));
        assert_eq!(memory("Name:\tx\n"), None);
    }

    #[test]
    fn this_process_can_be_read() {
        let process = Process::new(std::process::id());
        assert!(process.cpu().is_ok());
        assert!(process.memory().expect("it runs").resident_kib > 0);
    }
}
