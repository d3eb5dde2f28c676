//! Reads what callgrind writes: the sum, and the functions that it was spent in.
//!
//! `callgrind_annotate` loses its way in a dump that begins in the middle of a call, as ours do.

use std::collections::HashMap;
use std::path::PathBuf;

use anyhow::{Context, Result};

/// Functions that are shown, of each kind.
const ROWS: usize = 50;

/// All instructions of a dump.
pub(crate) fn total(dump: &str) -> Result<u64> {
    let totals = dump.lines().find_map(|line| line.strip_prefix("totals: ")).context("a dump without its sum")?;
    Ok(totals.trim().parse()?)
}

/// What one function costs, over the whole dump.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Cost {
    own: u64,
    /// With all that it calls. What calls itself is counted more than once.
    whole: u64,
    calls: u64,
}

/// Prints the functions with the highest cost for one execution: by what they execute themselves, and with what they call.
pub(crate) fn print(dumps: &[PathBuf], times: u64) -> Result<()> {
    for dump in dumps {
        let text = std::fs::read_to_string(dump)?;
        let total = total(&text)?;
        let costs = functions(&text)?;
        println!(
            "{} instructions\n\n{:>9} {:>7} {:>8}  by what a function does itself",
            total / times,
            "own",
            "",
            "calls"
        );
        table(&costs, total, times, |cost| cost.own);
        println!("\n{:>9} {:>7} {:>8}  with what it calls", "whole", "", "calls");
        table(&costs, total, times, |cost| cost.whole);
    }
    Ok(())
}

fn table(costs: &HashMap<String, Cost>, total: u64, times: u64, by: fn(&Cost) -> u64) {
    let mut rows: Vec<_> = costs.iter().collect();
    rows.sort_by(|(a, left), (b, right)| by(right).cmp(&by(left)).then(a.cmp(b)));
    for (name, cost) in rows.into_iter().take(ROWS) {
        let (share, calls) = (100.0 * by(cost) as f64 / total as f64, cost.calls as f64 / times as f64);
        println!("{:>9} {share:>5.1} % {calls:>8.2}  {name}", by(cost) / times);
    }
}

/// The functions of a dump in callgrind's format: `fn=` begins one, a line of two numbers is a cost of its own, and of one that
/// it calls (`cfn=`) where `calls=` stands before it. A name is written out the first time and then goes by its number.
fn functions(dump: &str) -> Result<HashMap<String, Cost>> {
    let mut names = HashMap::new();
    let mut costs: HashMap<String, Cost> = HashMap::new();
    let (mut current, mut called, mut call) = (String::new(), String::new(), false);
    for line in dump.lines() {
        if let Some(name) = line.strip_prefix("fn=") {
            current = resolve(&mut names, name)?;
        } else if let Some(name) = line.strip_prefix("cfn=") {
            called = resolve(&mut names, name)?;
        } else if let Some(calls) = line.strip_prefix("calls=") {
            let calls = calls.split(' ').next().unwrap_or_default();
            costs.entry(called.clone()).or_default().calls += calls.parse::<u64>()?;
            call = true;
        } else if line.starts_with(|c: char| c.is_ascii_digit() || "+-*".contains(c)) {
            let Some((_, cost)) = line.split_once(' ') else { continue };
            let cost: u64 = cost.trim().parse()?;
            if call {
                costs.entry(called.clone()).or_default().whole += cost;
            } else {
                costs.entry(current.clone()).or_default().own += cost;
            }
            call = false;
        }
    }
    Ok(costs)
}

/// `(12) name` the first time, `(12)` from then on. Code without a name is the guest's, or the runtime made it for the guest.
fn resolve(names: &mut HashMap<String, String>, text: &str) -> Result<String> {
    let (number, name) = text.split_once(')').context("a function without its number")?;
    if let Some(name) = name.strip_prefix(' ') {
        let name = if name.starts_with("0x") { "[compiled from WebAssembly]" } else { name };
        names.insert(number.to_owned(), name.to_owned());
    }
    names.get(number).cloned().context("a function without its name")
}

#[cfg(test)]
mod tests {
    use super::*;

    const DUMP: &str = "events: Ir\nsummary: 60\n\nfl=(1) a.rs\nfn=(1) outer\n10 5\ncfn=(2) inner\ncalls=3 20\n11 30\n+1 5\n\nfn=(2)\n\
                        20 18\ncfn=(3) 0x00000000071b6eca\ncalls=1 0 \n* 12\n\nfn=(3)\n0 12\n\ntotals: 40\n";

    #[test]
    fn costs_are_told_apart_by_who_has_them() {
        let costs = functions(DUMP).unwrap();
        assert_eq!(total(DUMP).unwrap(), 40);
        assert_eq!(costs["outer"], Cost { own: 10, whole: 0, calls: 0 });
        assert_eq!(costs["inner"], Cost { own: 18, whole: 30, calls: 3 });
        assert_eq!(costs["[compiled from WebAssembly]"], Cost { own: 12, whole: 12, calls: 1 });
    }
}
