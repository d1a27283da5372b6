//! What the kernel says of the server's process.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::course::REST;
use super::report::ServerCost;

/// The kernel's ticks in a second, as it shows them: the same on every machine that we build for.
const TICKS: u64 = 100;

/// A process, seen from outside.
#[derive(Debug, Clone)]
pub(super) struct Process {
    folder: PathBuf,
    /// When it began, in ticks since the machine did: another process may get its number, but not this.
    began: u64,
}

impl Process {
    pub(super) fn new(pid: u32) -> io::Result<Self> {
        Self::at(Path::new("/proc").join(pid.to_string()))
    }

    pub(super) fn this() -> io::Result<Self> {
        Self::at("/proc/self".into())
    }

    fn at(folder: PathBuf) -> io::Result<Self> {
        let Stat { began, .. } = Stat::of(&folder)?;
        Ok(Self { folder, began })
    }

    /// Time on a processor, of all threads. Of those that live it is known to the nanosecond, and complete when they
    /// sleep: what runs is booked only when it stops, or at a tick. What threads took that have ended, as with a server
    /// that has one for each client, is only in the process's sum, which counts in hundredths of a second.
    pub(super) fn cpu(&self) -> io::Result<Duration> {
        // As long as none has ended, the sum is the same, rounded down.
        self.spent().map(|Spent { living, ticks }| living.max(Duration::from_millis(ticks * 1000 / TICKS)))
    }

    fn spent(&self) -> io::Result<Spent> {
        let mut living = 0;
        for task in fs::read_dir(self.folder.join("task"))? {
            // A thread that has ended meanwhile has nothing to say.
            let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) else { continue };
            living += first_number(&text)?;
        }
        let Stat { ticks, began } = Stat::of(&self.folder)?;
        if began != self.began {
            return Err(io::Error::other("it has ended, and another has its number"));
        }
        Ok(Spent { living: Duration::from_nanos(living), ticks })
    }

    /// Memory that is resident, in bytes.
    pub(super) fn resident(&self) -> io::Result<u64> {
        let text = fs::read_to_string(self.folder.join("status"))?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        Ok(first_number(line)? * 1024)
    }
}

/// Time on a processor, in both ways in which the kernel counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Spent {
    /// Of threads that live, to the nanosecond.
    living: Duration,
    /// Of all that ever were.
    ticks: u64,
}

/// What its line in the kernel's table says.
struct Stat {
    /// Time of user and of system, also of threads that have ended.
    ticks: u64,
    began: u64,
}

impl Stat {
    fn of(folder: &Path) -> io::Result<Self> {
        // The name stands in parentheses and may be anything, also cut in the middle of a character. Behind it the state
        // is the third field, user and system time are the 14th and the 15th, its beginning is the 22nd.
        let stat = fs::read(folder.join("stat"))?;
        let text = String::from_utf8_lossy(&stat);
        let (_, fields) = text.rsplit_once(')').unwrap_or_default();
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let field = |number: usize| first_number(fields.get(number - 3).copied().unwrap_or_default());
        Ok(Self { ticks: field(14)? + field(15)?, began: field(22)? })
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
    first: Spent,
    before: Duration,
    resident_before: u64,
}

impl Meter {
    /// Looks at the process before anybody comes.
    pub(super) fn new(process: Process) -> io::Result<Self> {
        let (first, before, resident_before) = (process.spent()?, process.cpu()?, process.resident()?);
        Ok(Self { process, first, before, resident_before })
    }

    /// Has it done nothing since we first looked? Then it is not the server's. Where the kernel counts in hundredths of a
    /// second only, that can't be told. In a short measured part nothing at all may have been booked: what runs is booked
    /// when it stops, and beside threads that have ended only whole ticks are seen. So both counts are compared, from the
    /// beginning on, and once more when it has had time to stop.
    pub(super) fn is_idle(&self) -> bool {
        let has_rested = || self.process.spent().is_ok_and(|spent| spent == self.first);
        let looks_so = self.process.folder.join("schedstat").exists() && has_rested();
        if looks_so {
            thread::sleep(REST);
        }
        looks_so && has_rested()
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

    /// A process as the kernel shows it: nanoseconds of its one thread, and ticks of all that it ever had.
    fn show(folder: &Path, nanos: u64, ticks: u64) {
        let write = |name: &str, text: String| fs::write(folder.join(name), text).expect("the folder is ours");
        fs::create_dir_all(folder.join("task/1")).expect("the folder is ours");
        write("schedstat", String::new());
        write("task/1/schedstat", format!("{nanos} 0 0\n"));
        write("stat", format!("1 (server) S {} {ticks} 0 0 0 0 0 0 0 7\n", "0 ".repeat(10).trim_end()));
        write("status", "VmRSS: 4 kB\n".to_owned());
    }

    #[test]
    fn a_process_that_worked_is_not_idle_though_nothing_of_the_measured_part_is_booked() {
        let folder = tempfile::tempdir().expect("there is room");
        show(folder.path(), 1000, 0);
        let mut meter = Meter::new(Process::at(folder.path().into()).expect("it is shown")).expect("it is shown");
        assert!(meter.is_idle());
        show(folder.path(), 2000, 0);
        meter.start().expect("it is shown");
        assert_eq!(meter.stop(1.0).expect("it is shown").cpu_ns, 0);
        assert!(!meter.is_idle());
    }

    #[test]
    fn a_process_is_not_idle_of_which_ended_threads_took_more_than_those_that_live() {
        let folder = tempfile::tempdir().expect("there is room");
        show(folder.path(), 1000, 100);
        let meter = Meter::new(Process::at(folder.path().into()).expect("it is shown")).expect("it is shown");
        show(folder.path(), 2000, 100);
        assert_eq!(meter.stop(1.0).expect("it is shown").cpu_ns, 0);
        assert!(!meter.is_idle());
    }

    #[test]
    fn what_a_thread_took_that_has_ended_still_counts() {
        let spent = Duration::from_millis(100);
        let this = Process::this().expect("we are a process");
        let before = this.cpu().expect("it runs");
        let work = move || {
            let own = || fs::read_to_string("/proc/thread-self/schedstat").expect("this is Linux");
            while Duration::from_nanos(first_number(&own()).expect("it begins with a number")) < spent {}
        };
        thread::spawn(work).join().expect("it only works");
        let took = this.cpu().expect("it runs").saturating_sub(before);
        // Of user and of system time less than a tick is not shown.
        assert!(took + Duration::from_millis(20) >= spent, "{took:?} of {spent:?}");
    }

    #[test]
    fn another_process_with_the_same_number_is_another() {
        let this = Process::this().expect("we are a process");
        let before = Process { began: this.began - 1, ..this.clone() };
        assert!(this.cpu().is_ok());
        assert!(before.cpu().is_err_and(|error| error.to_string().contains("another has its number")));
    }
}
