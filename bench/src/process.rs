//! CPU time and memory of a tree of processes, its dead included.
//!
//! Servers differ in what a session is: a task, a thread, two processes that end with it. So what
//! counts is the whole tree below the process that was started: what the living have used, and what
//! those used that have ended. A control group knows that to the nanosecond; where none can be made,
//! `/proc` knows it to the hundredth of a second.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

/// The time slice in which `/proc/PID/stat` counts: `USER_HZ`, 100 on every Linux there is.
const TICK: Duration = Duration::from_millis(10);

/// A process and everything below it.
#[derive(Debug)]
pub(crate) struct Tree {
    root: u32,
    group: Option<Group>,
}

impl Tree {
    /// The tree of a process that has been started and is at rest; what it starts from here on is
    /// counted too.
    pub(crate) fn new(root: u32) -> Self {
        let mut tree = Self { root, group: None };
        if let Some(group) = Group::new(root) {
            // What it starts once it is in the group, is in it by itself; so nothing slips through.
            group.take(&[root]);
            group.take(&tree.members());
            tree.group = group.cpu().map(|_| group);
        }
        tree
    }

    /// CPU time of the whole tree so far, in user space and in the kernel: to be subtracted from what it
    /// is later.
    pub(crate) fn cpu(&self) -> Duration {
        let counted = self.group.as_ref().and_then(Group::cpu);
        counted.unwrap_or_else(|| self.members().into_iter().map(cpu).sum())
    }

    /// Octets of memory: the proportional share (PSS) of every process, or what is resident of it
    /// where the kernel does not tell the share.
    pub(crate) fn memory(&self) -> u64 {
        self.members().into_iter().map(memory).sum()
    }

    fn members(&self) -> Vec<u32> {
        let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let pid = entry
                .file_name()
                .to_str()
                .and_then(|name| name.parse().ok());
            if let Some(pid) = pid {
                let [parent] = stat(pid, [4]);
                children.entry(parent).or_default().push(pid);
            }
        }
        let mut found = vec![self.root];
        let mut next = 0;
        while let Some(process) = found.get(next) {
            next += 1;
            found.extend(children.remove(process).unwrap_or_default());
        }
        found
    }
}

/// A control group that counts CPU time.
#[derive(Debug)]
struct Group {
    directory: PathBuf,
}

impl Group {
    /// A new one; none where the system has no control groups, or does not let us make any.
    fn new(root: u32) -> Option<Self> {
        let all = Path::new("/sys/fs/cgroup");
        let first = all.join("cpuacct");
        let above = if first.is_dir() { &first } else { all };
        let directory = above.join(format!("chapar-bench-{root}"));
        fs::create_dir(&directory).ok()?;
        Some(Self { directory })
    }

    fn take(&self, processes: &[u32]) {
        for process in processes {
            // One that has ended meanwhile is no loss.
            let _ = fs::write(self.directory.join("cgroup.procs"), process.to_string());
        }
    }

    fn cpu(&self) -> Option<Duration> {
        // The first version counts nanoseconds, the second microseconds.
        if let Ok(text) = fs::read_to_string(self.directory.join("cpuacct.usage")) {
            return text.trim().parse().ok().map(Duration::from_nanos);
        }
        let text = fs::read_to_string(self.directory.join("cpu.stat")).ok()?;
        let usage = text
            .lines()
            .find_map(|line| line.strip_prefix("usage_usec "))?;
        usage.trim().parse().ok().map(Duration::from_micros)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // It can't be removed while somebody is in it: then it stays, and does no harm.
        let _ = fs::remove_dir(&self.directory);
    }
}

/// Some of the numbers of `/proc/PID/stat`, numbered as in `proc_pid_stat(5)`, from 4 on; 0 if the process
/// is gone.
fn stat<const N: usize>(process: u32, fields: [usize; N]) -> [u32; N] {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name of the program is in parentheses and may hold anything; what follows is numbers.
    let numbers = stat.rsplit(')').next().unwrap_or_default();
    fields.map(|number| {
        numbers
            .split_ascii_whitespace()
            .nth(number - 3)
            .and_then(|field| field.parse().ok())
            .unwrap_or(0)
    })
}

/// What the processors of the machine did that was neither idling nor waiting for a disk, and what this process did
/// of it.
pub(crate) fn busy() -> (Duration, Duration) {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    let numbers = text.lines().next().unwrap_or_default();
    // user, nice, system, idle, iowait, irq, softirq, steal.
    let ticks: Vec<u32> = numbers
        .split_ascii_whitespace()
        .skip(1)
        .filter_map(|field| field.parse().ok())
        .collect();
    let machine = [0, 1, 2, 5, 6].map(|at| ticks.get(at).copied().unwrap_or(0));
    let machine = machine.into_iter().map(|ticks| TICK * ticks).sum();
    (machine, cpu(std::process::id()))
}

/// What one process used, and what its children did that have ended and been waited for.
fn cpu(process: u32) -> Duration {
    stat(process, [14, 15, 16, 17])
        .into_iter()
        .map(|ticks| TICK * ticks)
        .sum()
}

fn memory(process: u32) -> u64 {
    let read = |file: &str| fs::read_to_string(format!("/proc/{process}/{file}"));
    let share = value(&read("smaps_rollup").unwrap_or_default(), "Pss:");
    share
        .or_else(|| value(&read("status").unwrap_or_default(), "VmRSS:"))
        .unwrap_or(0)
}

/// Octets, of a line `NAME: 123 kB`.
fn value(text: &str, name: &str) -> Option<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix(name))?;
    let number = value.trim().split(' ').next()?.parse::<u64>().ok()?;
    Some(number * 1024)
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    const WORK: &str = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done";

    #[test]
    fn work_of_children_that_have_ended_is_counted() {
        let group = None;
        let root = std::process::id();
        let tree = Tree { root, group };
        let before = tree.cpu();
        let status = Command::new("sh").args(["-c", WORK]).status().unwrap();
        assert!(status.success());
        assert!(tree.cpu() >= before + Duration::from_millis(20));
        assert!(tree.memory() > 0);
    }

    #[test]
    fn so_it_is_by_a_control_group_or_without() {
        let mut shell = Command::new("sh")
            .args(["-c", &format!("read go; sh -c '{WORK}'; read end")])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let tree = Tree::new(shell.id());
        let before = tree.cpu();
        let mut input = shell.stdin.take().unwrap();
        std::io::Write::write_all(&mut input, b"go\n").unwrap();
        while tree.cpu() < before + Duration::from_millis(20) {
            std::thread::yield_now();
        }
        drop(input);
        shell.wait().unwrap();
    }
}
