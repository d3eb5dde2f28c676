//! The process that compiles one component, and nothing else.
//!
//! It binds itself before it looks at a byte of the component. On Unix memory, processor time, output and open files are
//! limited; elsewhere the time that the parent waits is the only limit.

use std::io::{self, BufReader, Read, Write};
use std::process::ExitCode;

use super::order::{Order, REFUSED, UNABLE, say};
use super::{code, compatibility};

/// What a program does that was started as a [`Compiler`](super::Compiler): compiles the one component that it is given on
/// standard input, and gives its exit status. Call it first thing in `main`, before any thread or runtime is started.
///
/// ```no_run
/// use std::process::ExitCode;
///
/// fn main() -> ExitCode {
///     if std::env::args_os().nth(1).is_some_and(|arg| arg == "compile-component") {
///         return auricle_process::compile_main();
///     }
///     // ... the program itself, whose engine has `compiler: Some(Compiler::this_program(["compile-component"])?)`.
///     ExitCode::SUCCESS
/// }
/// ```
pub fn compile_main() -> ExitCode {
    match work() {
        Ok(()) => ExitCode::SUCCESS,
        Err(Stop { status, why }) => {
            say(&why);
            status.into()
        }
    }
}

/// Why there is no machine code.
struct Stop {
    status: u8,
    why: String,
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self { status: UNABLE, why: error.to_string() }
    }
}

fn work() -> Result<(), Stop> {
    let mut input = BufReader::new(io::stdin());
    let order = Order::read(&mut input)?;
    bind(&order)?;
    let mut wasm = Vec::new();
    if input.by_ref().take(order.size).read_to_end(&mut wasm)? as u64 != order.size {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    std::thread::Builder::new().name("parent".into()).spawn(|| end_with_parent(input))?;

    let unable = |why| Stop { status: UNABLE, why };
    let engine = wasmtime::Engine::new(&code()).map_err(|e| unable(format!("{e:#}")))?;
    let own = compatibility(&engine);
    if own != order.compatibility {
        let wanted = order.compatibility;
        return Err(unable(format!("it is another version of the program: it compiles for {own}, not for {wanted}")));
    }
    let compiled = engine.precompile_component(&wasm).map_err(|e| Stop { status: REFUSED, why: format!("{e:#}") })?;
    let mut output = io::stdout().lock();
    output.write_all(&compiled)?;
    Ok(output.flush()?)
}

/// Nothing more comes, so that this ends when the parent does, however that ended. (A signal at the parent's death would
/// come when the thread ends that started this process.)
fn end_with_parent(mut input: impl Read) {
    let _ = io::copy(&mut input, &mut io::sink());
    std::process::exit(i32::from(UNABLE));
}

/// Takes away from this process what it does not need.
#[cfg(unix)]
fn bind(order: &Order) -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    // Where it is enforced, what is mapped to be written to counts; else all that is mapped.
    let memory = if cfg!(target_os = "linux") { Resource::Data } else { Resource::As };
    let limits = [
        (memory, order.memory, 0),
        // At the harder limit the signal is one that does not tell what there was too much of.
        (Resource::Cpu, order.cpu, 5),
        (Resource::Fsize, order.output, 0),
        (Resource::Nofile, 32, 0),
        (Resource::Core, 0, 0),
    ];
    for (resource, most, more) in limits {
        // Never above what was set from outside.
        let given = |most: u64| Some(getrlimit(resource).maximum.map_or(most, |given| given.min(most)));
        setrlimit(resource, Rlimit { current: given(most), maximum: given(most.saturating_add(more)) })?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn bind(_: &Order) -> io::Result<()> {
    Ok(())
}
