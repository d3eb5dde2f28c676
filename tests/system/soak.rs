//! The soak of `auricle-bench` in short: what passes by the hour has to pass for seconds. It judges no time, and no memory
//! that is still warming up.

use std::process::Command;

use auricle_tests::build;

#[test]
fn under_load_nothing_fails_that_should_pass_and_nothing_is_kept() {
    let mut soak = Command::new(build::bench());
    // Other tests run beside it.
    soak.args(["soak", "--minutes", "0.3", "--load", "0.3", "--redeploy", "3", "--memory", "false", "--auricle"]);
    let output = soak.arg(build::program()).output().unwrap();
    let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && told.contains("the soak passed"), "{told}");
}
