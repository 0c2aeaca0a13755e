#pragma once

namespace slabproof {

/// Ends this process by SIGALRM, which its parent takes for a hang, once it has used so many seconds of processor time
/// from now on, or has waited ten seconds without using any. Wall time does not count: a machine may be busy, and a
/// person may stop a command and continue it.
void watch(double processor_seconds);

/// The same for a process that writes a sanitizer's report: its symbolizer may take a minute.
void watch_report();

}  // namespace slabproof
