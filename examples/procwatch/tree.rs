//! The process tree, which is printed at the end. It keeps every observed process in memory.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use auditlink::process::{ExitStatus, Process, ProcessEvent, ProcessId};

#[derive(Default)]
pub(crate) struct Tree {
    /// In the order of the first observation.
    nodes: Vec<Node>,
    indexes: HashMap<ProcessId, usize>,
}

struct Node {
    id: ProcessId,
    parent: Option<ProcessId>,
    /// The programs that the process ran, in order.
    programs: Vec<String>,
    status: Option<ExitStatus>,
}

impl Tree {
    /// Adds what an event reports.
    pub(crate) fn add(&mut self, event: ProcessEvent) {
        match event {
            ProcessEvent::Fork(fork) => {
                self.node(&fork.process);
            }
            ProcessEvent::Exec(exec) => {
                let words = exec.args.iter().flat_map(|args| &args.value);
                let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
                let program = if words.is_empty() { exe(&exec.process) } else { words.join(" ") };
                self.node(&exec.process).programs.push(program);
            }
            ProcessEvent::Exit(exit) => self.node(&exit.process).status = Some(exit.status.value),
            ProcessEvent::Loss(_) => {}
        }
    }

    fn node(&mut self, process: &Process) -> &mut Node {
        let nodes = &mut self.nodes;
        let index = *self.indexes.entry(process.id).or_insert_with(|| {
            let parent = process.parent.and_then(|parent| parent.value.id);
            let (id, programs, status) = (process.id, Vec::new(), None);
            nodes.push(Node { id, parent, programs, status });
            nodes.len() - 1
        });
        &mut self.nodes[index]
    }

    /// Prints the tree.
    pub(crate) fn draw(&self, output: &mut impl Write) -> io::Result<()> {
        let mut children: HashMap<ProcessId, Vec<usize>> = HashMap::new();
        let mut roots = Vec::new();
        for (index, node) in self.nodes.iter().enumerate() {
            match node.parent.filter(|parent| self.indexes.contains_key(parent)) {
                Some(parent) => children.entry(parent).or_default().push(index),
                None => roots.push(index),
            }
        }
        // A stack instead of recursion: the tree can be deeper than the call stack allows.
        let mut stack: Vec<(usize, String, &str)> =
            roots.into_iter().rev().map(|index| (index, String::new(), "")).collect();
        while let Some((index, indent, branch)) = stack.pop() {
            let Some(node) = self.nodes.get(index) else { continue };
            writeln!(output, "{indent}{branch}{}", node.line())?;
            let below = match branch {
                "" => indent,
                "├─ " => indent + "│  ",
                _ => indent + "   ",
            };
            let own = children.get(&node.id).map_or(&[][..], Vec::as_slice);
            for (position, child) in own.iter().enumerate().rev() {
                let branch = if position + 1 == own.len() { "└─ " } else { "├─ " };
                stack.push((*child, below.clone(), branch));
            }
        }
        Ok(())
    }
}

impl Node {
    fn line(&self) -> String {
        let mut line = self.id.pid().to_string();
        for (index, program) in self.programs.iter().enumerate() {
            let arrow = if index == 0 { "" } else { " =>" };
            let printable = program.chars().map(|c| if c.is_control() { '?' } else { c });
            let _ = write!(line, "{arrow} {}", printable.collect::<String>());
        }
        match self.status {
            Some(ExitStatus::Exited(0)) => {}
            Some(status) => {
                let _ = write!(line, " ({status})");
            }
            None => line.push_str(" (still running)"),
        }
        line
    }
}

fn exe(process: &Process) -> String {
    process.exe.as_ref().map_or_else(String::new, |exe| exe.value.to_string_lossy().into_owned())
}
