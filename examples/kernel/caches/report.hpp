#pragma once

#include <slab/misuse.hpp>
#include <slab/policy.hpp>

#include "examples/kernel/machine/finish.hpp"

namespace kernel {

/// The policy of this kernel's caches: misuse is reported, and ends it.
struct Panic : slab::Checked {
  static void on_misuse(const slab::MisuseReport& report) noexcept {
    be_the_only_one();
    print("slab: ", slab::to_string(report.kind), ", pointer ", report.pointer, ", cache ", report.cache,
          ", called from ", report.caller, "\n");
    finish(End::Misuse);
  }
};

}  // namespace kernel
