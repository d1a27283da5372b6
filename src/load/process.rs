//! What the kernel says of the server's process.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::report::ServerCost;

/// The kernel's ticks in a second, as it shows them: the same on every machine that we build for.
const TICKS: u64 = 100;

/// A process, seen from outside.
#[derive(Debug, Clone)]
pub(super) struct Process {
    folder: PathBuf,
}

impl Process {
    pub(super) fn new(pid: u32) -> Self {
        Self { folder: Path::new("/proc").join(pid.to_string()) }
    }

    pub(super) fn this() -> Self {
        Self { folder: "/proc/self".into() }
    }

    /// Time on a processor, of all threads. Of those that live it is known to the nanosecond, and complete when they
    /// sleep: what runs is booked only when it stops, or at a tick. What threads took that have ended, as with a server
    /// that has one for each client, is only in the process's sum, which counts in hundredths of a second.
    pub(super) fn cpu(&self) -> io::Result<Duration> {
        let mut living = 0;
        for task in fs::read_dir(self.folder.join("task"))? {
            // A thread that has ended meanwhile has nothing to say.
            let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) else { continue };
            living += first_number(&text)?;
        }
        // As long as none has ended, the sum is the same, rounded down.
        Ok(Duration::from_nanos(living).max(self.sum()?))
    }

    fn sum(&self) -> io::Result<Duration> {
        // The name stands in parentheses and may be anything, also cut in the middle of a character. Behind it the state is the third field, user and system
        // time are the 14th and the 15th.
        let stat = fs::read(self.folder.join("stat"))?;
        let text = String::from_utf8_lossy(&stat);
        let (_, fields) = text.rsplit_once(')').unwrap_or_default();
        let mut times = fields.split_whitespace().skip(11);
        let mut ticks = || first_number(times.next().unwrap_or_default());
        Ok(Duration::from_millis((ticks()? + ticks()?) * 1000 / TICKS))
    }

    /// Memory that is resident, in bytes.
    pub(super) fn resident(&self) -> io::Result<u64> {
        let text = fs::read_to_string(self.folder.join("status"))?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        Ok(first_number(line)? * 1024)
    }
}

fn first_number(text: &str) -> io::Result<u64> {
    let number = text.split_whitespace().next().and_then(|word| word.parse().ok());
    number.ok_or_else(|| io::Error::other("the kernel has no such figure here"))
}

/// What a process takes between two moments at which it rests.
#[derive(Debug)]
pub(super) struct Meter {
    process: Process,
    before: Duration,
    resident_before: u64,
}

impl Meter {
    /// Looks at the process before anybody comes.
    pub(super) fn new(process: Process) -> io::Result<Self> {
        let (before, resident_before) = (process.cpu()?, process.resident()?);
        Ok(Self { process, before, resident_before })
    }

    /// From here on it counts.
    pub(super) fn start(&mut self) -> io::Result<()> {
        self.before = self.process.cpu()?;
        Ok(())
    }

    /// What it took since, for so many things done.
    pub(super) fn stop(&self, things: f64) -> io::Result<ServerCost> {
        let cpu = self.process.cpu()?.saturating_sub(self.before);
        let cpu_ns = u64::try_from(cpu.as_nanos()).unwrap_or(u64::MAX);
        let (resident_before, resident) = (self.resident_before, self.process.resident()?);
        Ok(ServerCost { cpu_ns, cpu_ns_each: cpu.as_secs_f64() * 1e9 / things, resident_before, resident })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_thread_took_that_has_ended_still_counts() {
        let spent = Duration::from_millis(100);
        let before = Process::this().cpu().expect("we are a process");
        let work = move || {
            let own = || fs::read_to_string("/proc/thread-self/schedstat").expect("this is Linux");
            while Duration::from_nanos(first_number(&own()).expect("it begins with a number")) < spent {}
        };
        std::thread::spawn(work).join().expect("it only works");
        let took = Process::this().cpu().expect("we are a process").saturating_sub(before);
        // Of user and of system time less than a tick is not shown.
        assert!(took + Duration::from_millis(20) >= spent, "{took:?} of {spent:?}");
    }
}
