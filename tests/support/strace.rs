//! What a process asks of the system, in order, as `strace` writes it down. A test that needs it fails where
//! it is missing, or may not trace.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

use super::support::until;

/// Whatever changes a file or a folder, makes it safe, or sends. A `?` stands before what some machines don't have.
const CALLS: &str = "trace=?open,?creat,openat,write,writev,pwrite64,pwritev,pwritev2,?truncate,ftruncate,\
    fallocate,fsync,fdatasync,sync_file_range,?rename,?renameat,renameat2,?link,linkat,?symlink,symlinkat,?unlink,\
    unlinkat,copy_file_range,?sendfile,sendto,sendmsg,sendmmsg,mmap";

/// One call. Numbers of lines are moments: what one thread learned of another was written down before.
pub struct Call {
    pub name: String,
    arguments: Vec<String>,
    result: String,
    /// When it was asked for.
    pub began: usize,
    /// When it was done; `usize::MAX` where the process ended first.
    pub ended: usize,
}

/// What runs `program` with its calls written to `file`. The program is the child itself, not `strace`, and has
/// the arguments that are added.
pub fn traced(program: &str, file: &Path) -> Command {
    require();
    let mut command = Command::new("strace");
    let whole = ["-D", "-f", "-y", "-xx", "-s", "1000000", "--seccomp-bpf"];
    command.args(whole).args(["-e", CALLS, "-o"]);
    command.arg(file).arg(program);
    command
}

fn require() {
    let tried = Command::new("strace")
        .args(["-f", "-o", "/dev/null", "true"])
        .output();
    let tried = tried.unwrap_or_else(|cause| panic!("strace can't be run, install it: {cause}"));
    let told = String::from_utf8_lossy(&tried.stderr);
    let why = "strace may not trace (some sandboxes forbid ptrace)";
    assert!(tried.status.success(), "{why}: {told}");
}

/// The line of the trace, which still grows, by which all that was written to a file of this ending is synced.
pub fn synced(file: &Path, ending: &str) -> usize {
    let ending: String = ending
        .bytes()
        .map(|byte| format!("\\x{byte:02x}"))
        .collect();
    let mut found = None;
    until("what was written is synced", || {
        found = synced_in(file, &ending);
        found.is_some()
    });
    found.unwrap()
}

fn synced_in(file: &Path, ending: &str) -> Option<usize> {
    let is_of_it = |line: &str| line.contains(&format!("{ending}>"));
    let text = std::fs::read_to_string(file).unwrap();
    let lines: Vec<_> = text.lines().collect();
    // Begun or done.
    let written = |line: &&str| line.contains("pwrite64");
    let written = lines.iter().rposition(written)?;
    let begun = |line: &&str| line.contains("sync(") && is_of_it(line);
    let begun = written + lines[written..].iter().position(begun)?;
    let thread = lines[begun].split_once(' ')?.0;
    let done = |line: &&str| line.starts_with(thread) && line.ends_with(" = 0");
    Some(begun + lines[begun..].iter().position(done)?)
}

/// The calls in a file of a process that has ended, by when they began.
pub fn calls(file: &Path) -> Vec<Call> {
    let text = std::fs::read_to_string(file).unwrap();
    let mut calls = Vec::new();
    let mut unfinished = HashMap::<&str, (usize, &str)>::new();
    for (line, text) in text.lines().enumerate() {
        let (thread, event) = text.split_once(' ').unwrap();
        let event = event.trim_start();
        if event.starts_with("+++") || event.starts_with("---") {
            continue;
        }
        if let Some(begun) = event.strip_suffix(" <unfinished ...>") {
            unfinished.insert(thread, (line, begun));
        } else if let Some(resumed) = event.strip_prefix("<... ") {
            let (_, rest) = resumed.split_once(" resumed>").unwrap();
            let (began, begun) = unfinished.remove(thread).unwrap();
            calls.push(Call::of(&format!("{begun}{rest}"), began, line));
        } else {
            calls.push(Call::of(event, line, line));
        }
    }
    let never_done = unfinished.into_values();
    calls.extend(
        never_done.map(|(began, begun)| Call::of(&format!("{begun}) = ?"), began, usize::MAX)),
    );
    calls.sort_by_key(|call| call.began);
    calls
}

impl Call {
    /// Texts are written as bytes in hexadecimal, so that what separates stands nowhere in them.
    fn of(text: &str, began: usize, ended: usize) -> Self {
        // Of a process that ended meanwhile.
        let text = text.replace(" <unfinished ...>", "");
        let parts = || {
            let (name, rest) = text.split_once('(')?;
            let (arguments, result) = rest.rsplit_once(" = ")?;
            Some((name, arguments.trim_end().strip_suffix(')')?, result))
        };
        let (name, arguments, result) = parts().unwrap_or_else(|| panic!("not a call: {text}"));
        Self {
            name: name.to_owned(),
            arguments: arguments.split(", ").map(str::to_owned).collect(),
            result: result.to_owned(),
            began,
            ended: if result == "?" { usize::MAX } else { ended },
        }
    }

    pub fn has_failed(&self) -> bool {
        self.result.starts_with("-1 ")
    }

    /// What the call answered, where that is a number.
    pub fn result(&self) -> Option<u64> {
        self.result.parse().ok()
    }

    /// The argument that is a place in a file.
    pub fn place(&self, index: usize) -> usize {
        self.arguments[index].parse().unwrap()
    }

    /// Whether a flag is among the arguments.
    pub fn has_flag(&self, flag: &str) -> bool {
        let mut flags = self
            .arguments
            .iter()
            .flat_map(|argument| argument.split('|'));
        flags.any(|word| word == flag)
    }

    /// The file that a descriptor among the arguments is of, or else the one that was opened.
    pub fn file(&self) -> Option<String> {
        let words = self.arguments.iter().chain([&self.result]);
        let mut files = words.filter_map(|word| described(word));
        files
            .next_back()
            .map(|file| String::from_utf8(file).unwrap())
    }

    /// The texts among the arguments, one behind another.
    pub fn bytes(&self) -> Vec<u8> {
        let texts = |argument: &String| {
            argument
                .split('"')
                .skip(1)
                .step_by(2)
                .map(plain)
                .collect::<Vec<_>>()
        };
        self.arguments.iter().flat_map(texts).flatten().collect()
    }
}

/// `9<\x2f\x74>`, and not `AT_FDCWD<…>`.
fn described(word: &str) -> Option<Vec<u8>> {
    let (number, file) = word.strip_suffix('>')?.split_once('<')?;
    number.parse::<u32>().ok()?;
    Some(plain(file))
}

/// Of `\x2f\x74`.
fn plain(text: &str) -> Vec<u8> {
    let byte = |hexadecimal| u8::from_str_radix(hexadecimal, 16).unwrap();
    text.split("\\x").skip(1).map(byte).collect()
}
