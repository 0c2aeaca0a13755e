#pragma once

#include <vector>

#include <slab/misuse.hpp>

namespace slabproof {

/// The misuse reports of the operation under way. Global, since a policy's handler is static; one
/// runner runs at a time.
inline std::vector<slab::MisuseReport> report_log;

/// Is told of each report when it is made: what the cache does next goes by what it has found.
class ReportObserver {
 public:
  /// Of the last one in report_log.
  virtual void on_report() = 0;

 protected:
  ~ReportObserver() = default;
};
/// Null where nobody need know at once.
inline ReportObserver* report_observer = nullptr;

/// What the policy of a subject does with a report.
inline void note_report(const slab::MisuseReport& report) {
  report_log.push_back(report);
  if (report_observer) report_observer->on_report();
}

}  // namespace slabproof
