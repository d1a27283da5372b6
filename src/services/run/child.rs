//! A command as a process: started, killed with all of its group, reaped.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, pidfd_open, waitid,
};

/// The whole environment of a command: nothing of the server's own, which may hold secrets.
const ENVIRONMENT: [(&str, &str); 3] =
    [("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"), ("LANG", "C.UTF-8"), ("HOME", "/")];

/// A process, and what leads to it. It must be reaped: dropped, it would stay as a zombie.
#[derive(Debug)]
pub(super) struct Started {
    pub(super) process: Process,
    pub(super) stdin: OwnedFd,
    pub(super) stdout: OwnedFd,
    pub(super) stderr: OwnedFd,
    /// Becomes readable when it ends.
    pub(super) exit: OwnedFd,
}

/// A process that was not reaped yet, so its number, which is that of its group too, is nobody else's.
#[derive(Debug)]
pub(super) struct Process(Child);

/// How a process ended.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ended {
    Exit(i32),
    Signal(i32),
}

/// Starts a program in a group of its own. Takes a while, so it is a helper's work.
pub(super) fn start(argv: &[String]) -> io::Result<Started> {
    let (program, words) = argv.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut command = Command::new(program);
    command.args(words).env_clear().envs(ENVIRONMENT).current_dir("/").process_group(0);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let exit = pidfd_open(Pid::from_child(&child), PidfdFlags::NONBLOCK);
    let mut process = Process(child);
    match (stdin, stdout, stderr, exit) {
        (Some(stdin), Some(stdout), Some(stderr), Ok(exit)) => {
            Ok(Started { process, stdin: stdin.into(), stdout: stdout.into(), stderr: stderr.into(), exit })
        }
        (_, _, _, exit) => {
            process.kill();
            // A helper may wait for what it has killed.
            let _ = process.0.wait();
            Err(exit.err().map_or_else(|| io::ErrorKind::BrokenPipe.into(), io::Error::from))
        }
    }
}

impl Process {
    /// Kills it and everything that it has started, as far as that has not left its group. It may have left that itself.
    pub(super) fn kill(&self) {
        // These fail only where nobody of the group is left, and where it has ended.
        let _ = kill_process_group(self.pid(), Signal::KILL);
        let _ = kill_process(self.pid(), Signal::KILL);
    }

    /// Reaps it, if it has ended.
    pub(super) fn reap(&mut self) -> Option<Ended> {
        self.0.try_wait().ok().flatten().map(ended)
    }

    /// Its number, as long as it was not reaped.
    pub(super) fn pid(&self) -> Pid {
        Pid::from_child(&self.0)
    }
}

/// Waits until a process has ended, and leaves it to be reaped; for a helper, behind a kill.
pub(super) fn wait_for(pid: Pid) {
    // Fails only where there is nothing to wait for.
    let _ = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
}

fn ended(status: ExitStatus) -> Ended {
    status.code().map_or_else(|| Ended::Signal(status.signal().unwrap_or(0)), Ended::Exit)
}
