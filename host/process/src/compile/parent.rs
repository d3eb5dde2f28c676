//! Starts the process that compiles, gives it the component, and makes of its end what the caller of the engine is told.

use std::fs::File;
use std::process::{ExitStatus, Stdio};

use auricle_model::{format_duration, format_size};
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::Compiler;
use super::order::{Order, REFUSED};
use crate::component::LoadError;
use crate::limits;

/// Compiles a component into a file. Dropped, it ends the process.
pub(super) async fn compile(
    compiler: &Compiler,
    compatibility: String,
    wasm: Bytes,
    threads: usize,
    to: File,
) -> Result<(), LoadError> {
    let limits = &compiler.limits;
    let order = Order {
        compatibility,
        size: wasm.len() as u64,
        memory: limits.memory,
        cpu: limits.cpu.as_secs().max(1),
        output: limits.output,
    };
    let mut child = start(compiler, threads, to).map_err(|e| unable(compiler, &e.to_string()))?;
    match timeout(limits.time, converse(&mut child, &order, &wasm)).await {
        Ok(Ok((status, said))) => verdict(compiler, status, &said),
        Ok(Err(error)) => Err(unable(compiler, &error.to_string())),
        Err(_) => Err(too_much(format!("more than {}", format_duration(limits.time)))),
    }
}

fn start(compiler: &Compiler, threads: usize, to: File) -> std::io::Result<Child> {
    let mut command = Command::new(&compiler.program);
    #[cfg(unix)]
    command.arg0("auricle-compiler");
    command
        .args(&compiler.arguments)
        .env_clear()
        // Read by the pool of threads that the compiler uses.
        .env("RAYON_NUM_THREADS", threads.to_string())
        .stdin(Stdio::piped())
        .stdout(to)
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
}

/// Hands the order over and waits for the end: the exit status, and what was said on standard error.
async fn converse(child: &mut Child, order: &Order, wasm: &[u8]) -> std::io::Result<(ExitStatus, String)> {
    let line = order.line()?;
    let (input, errors) = (child.stdin.take(), child.stderr.take());
    let giving = async {
        let mut input = input?;
        // It may have ended before it has read all: its exit status tells why.
        let _ = async {
            input.write_all(&line).await?;
            input.write_all(wasm).await
        }
        .await;
        Some(input)
    };
    let hearing = async {
        let mut said = Vec::new();
        let Some(mut errors) = errors else { return Ok(said) };
        (&mut errors).take(limits::COMPILER_MESSAGE_BYTES).read_to_end(&mut said).await?;
        // Read on, or the process would wait for ever to be heard.
        tokio::io::copy(&mut errors, &mut tokio::io::sink()).await?;
        std::io::Result::Ok(said)
    };
    // `input` is held until the end: without it the process would end itself.
    let (_input, said, status) = tokio::join!(giving, hearing, child.wait());
    Ok((status?, String::from_utf8_lossy(&said?).trim().to_owned()))
}

fn verdict(compiler: &Compiler, status: ExitStatus, said: &str) -> Result<(), LoadError> {
    if status.success() {
        return Ok(());
    }
    if status.code() == Some(REFUSED.into()) {
        return Err(LoadError::Corrupt { why: said.to_owned() });
    }
    Err(match exhausted(compiler, status, said) {
        Some(what) => too_much(what),
        None => unable(compiler, &format!("{status}, {}", if said.is_empty() { "and no word why" } else { said })),
    })
}

/// What there was not enough of, as the way tells in which the process was ended.
fn exhausted(compiler: &Compiler, status: ExitStatus, said: &str) -> Option<String> {
    let limits = &compiler.limits;
    let of_memory = format!("more than {} of memory", format_size(limits.memory));
    // So the language's library ends a program for which there is no memory.
    if said.contains("memory allocation of") || said.contains("out of memory") {
        return Some(of_memory);
    }
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;

        use rustix::process::Signal;

        let signal = status.signal().and_then(Signal::from_named_raw)?;
        if signal == Signal::XCPU {
            return Some(format!("more than {} of the processor", format_duration(limits.cpu)));
        }
        if signal == Signal::XFSZ {
            return Some(format!("more than {} of machine code", format_size(limits.output)));
        }
        if signal == Signal::KILL {
            return Some("more memory or time than the system gives".to_owned());
        }
    }
    None
}

fn too_much(what: String) -> LoadError {
    LoadError::TooLarge { why: format!("its compilation takes {what}") }
}

fn unable(compiler: &Compiler, why: &str) -> LoadError {
    LoadError::Host(format!("the compiler, `{}`, did not do its work: {why}", compiler.program.display()))
}
