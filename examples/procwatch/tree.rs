//! The tree of processes, drawn at the end. It holds every process that was seen.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use auditlink::process::{ExitStatus, Process, ProcessEvent, ProcessId};

#[derive(Default)]
pub(crate) struct Tree {
    /// In the order of their births.
    nodes: Vec<Node>,
    places: HashMap<ProcessId, usize>,
}

struct Node {
    id: ProcessId,
    parent: Option<ProcessId>,
    /// What it ran, one after the other.
    programs: Vec<String>,
    ending: Option<ExitStatus>,
}

impl Tree {
    pub(crate) fn add(&mut self, change: ProcessEvent) {
        match change {
            ProcessEvent::Fork(fork) => {
                self.node(&fork.process);
            }
            ProcessEvent::Exec(exec) => {
                let words = exec.args.iter().flat_map(|args| &args.value);
                let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
                let program = if words.is_empty() { exe(&exec.process) } else { words.join(" ") };
                self.node(&exec.process).programs.push(program);
            }
            ProcessEvent::Exit(exit) => self.node(&exit.process).ending = Some(exit.status.value),
            ProcessEvent::Loss(_) => {}
        }
    }

    fn node(&mut self, process: &Process) -> &mut Node {
        let nodes = &mut self.nodes;
        let place = *self.places.entry(process.id).or_insert_with(|| {
            let parent = process.parent.and_then(|parent| parent.value.id);
            let (id, programs, ending) = (process.id, Vec::new(), None);
            nodes.push(Node { id, parent, programs, ending });
            nodes.len() - 1
        });
        &mut self.nodes[place]
    }

    pub(crate) fn draw(&self, output: &mut impl Write) -> io::Result<()> {
        let mut children: HashMap<ProcessId, Vec<usize>> = HashMap::new();
        let mut roots = Vec::new();
        for (place, node) in self.nodes.iter().enumerate() {
            match node.parent.filter(|parent| self.places.contains_key(parent)) {
                Some(parent) => children.entry(parent).or_default().push(place),
                None => roots.push(place),
            }
        }
        // a stack instead of a recursion: a tree of forks can be deep
        let mut stack: Vec<(usize, String, &str)> =
            roots.into_iter().rev().map(|place| (place, String::new(), "")).collect();
        while let Some((place, indent, branch)) = stack.pop() {
            let Some(node) = self.nodes.get(place) else { continue };
            writeln!(output, "{indent}{branch}{}", node.line())?;
            let below = match branch {
                "" => indent,
                "├─ " => indent + "│  ",
                _ => indent + "   ",
            };
            let own = children.get(&node.id).map_or(&[][..], Vec::as_slice);
            for (index, child) in own.iter().enumerate().rev() {
                let branch = if index + 1 == own.len() { "└─ " } else { "├─ " };
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
        match self.ending {
            Some(ExitStatus::Exited(0)) => {}
            Some(ending) => {
                let _ = write!(line, " ({ending})");
            }
            None => line.push_str(" (lives on)"),
        }
        line
    }
}

fn exe(process: &Process) -> String {
    process.exe.as_ref().map_or_else(String::new, |exe| exe.value.to_string_lossy().into_owned())
}
