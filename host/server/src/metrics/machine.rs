//! What this program takes of its machine, by Prometheus' own names. Linux tells it; elsewhere there is none.

use super::page::Page;

/// Adds what there is.
#[cfg(target_os = "linux")]
pub(super) fn tell(page: &mut Page) {
    use procfs::WithCurrentSystemInfo as _;
    use procfs::process::{LimitValue, Process};

    let Ok(own) = Process::myself() else { return };
    let Ok(stat) = own.stat() else { return };
    #[expect(clippy::cast_precision_loss, reason = "as precise as the format is")]
    let value = |value: u64| [(Vec::new(), value as f64)];
    let ticks = procfs::ticks_per_second();
    #[expect(clippy::cast_precision_loss, reason = "as precise as the format is")]
    let seconds = [(Vec::new(), (stat.utime + stat.stime) as f64 / ticks as f64)];
    page.seconds("process_cpu_seconds", "User and system CPU time of this program.", seconds);
    page.gauge("process_resident_memory_bytes", "Resident memory.", value(stat.rss_bytes().get()));
    page.gauge("process_virtual_memory_bytes", "Address space; most of it is reserved, not used.", value(stat.vsize));
    page.gauge("process_threads", "Threads.", value(u64::try_from(stat.num_threads).unwrap_or_default()));
    if let Ok(boot) = procfs::boot_time_secs() {
        #[expect(clippy::cast_precision_loss, reason = "as precise as the format is")]
        let started = boot as f64 + stat.starttime as f64 / ticks as f64;
        page.gauge("process_start_time_seconds", "When it was started, since 1970.", [(Vec::new(), started)]);
    }
    if let Ok(open) = own.fd_count() {
        page.gauge("process_open_fds", "Open file descriptors.", value(open as u64));
    }
    if let Ok(limits) = own.limits()
        && let LimitValue::Value(most) = limits.max_open_files.soft_limit
    {
        page.gauge("process_max_fds", "Most file descriptors that it may have open.", value(most));
    }
}

/// Adds nothing.
#[cfg(not(target_os = "linux"))]
pub(super) fn tell(_: &mut Page) {}
