#pragma once

#include <string>

#include "model/judge/runner.hpp"
#include "model/process/isolated.hpp"
#include "model/program/program.hpp"

namespace slabproof {

/// A run, step by step, as JSON for fuzz/replay/replay_page.html: the setup, the verdict, and for each step the
/// backend's calls and every slab that changed, read from the cache's own memory: free links, list links, used counts.
/// Of a death, up to the step that died. `program` runs in a child process.
struct History {
  IsolatedRun run;
  std::string json;  // empty if it is too large for a browser
};
History history_of(Runner& runner, const Program& program);

}  // namespace slabproof
