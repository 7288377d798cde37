//! asyncio's examples of subprocesses: what a shell says, and the date, read from another program line by line.
//!
//! Run it: `cargo run --example subprocess`.

use std::io;

use bowerbird::process::{PIPE, create_subprocess_exec, create_subprocess_shell};

/// Runs a line in the shell, and shows what it has written.
async fn run_shell(line: &str) -> io::Result<()> {
    let mut process = create_subprocess_shell(line).stdout(PIPE).stderr(PIPE).await?;
    let (stdout, stderr) = process.communicate(b"").await?;

    println!("[{line:?} exited with {:?}]", process.returncode());
    if !stdout.is_empty() {
        println!("[stdout]\n{}", String::from_utf8_lossy(&stdout));
    }
    if !stderr.is_empty() {
        println!("[stderr]\n{}", String::from_utf8_lossy(&stderr));
    }
    Ok(())
}

/// Asks a program for the date.
async fn get_date() -> io::Result<String> {
    let mut process = create_subprocess_exec("date", ["+%Y-%m-%d %H:%M:%S"]).stdout(PIPE).await?;

    // One line of output.
    let Some(stdout) = &mut process.stdout else { unreachable!("it is a pipe") };
    let line = stdout.readline().await?;

    // It has nothing more to say.
    process.wait().await?;
    Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
}

#[bowerbird::main]
async fn main() -> io::Result<()> {
    run_shell("ls /zzz").await?;
    // Two at the same time.
    let (first, second) =
        bowerbird::join((run_shell("sleep 0.1; echo hello"), run_shell("echo world"))).await;
    first.and(second)?;
    println!("Current date: {}", get_date().await?);
    Ok(())
}
