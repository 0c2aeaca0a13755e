#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace slabproof {

struct Access {
  std::uintptr_t address;
  std::size_t size;
  bool is_write;
};

/// Every load and store of code that is compiled with -fsanitize=thread, while it is on: that code calls functions,
/// which are those of access_trace.cpp here. It is compiled without, and no sanitizer of threads is linked.
struct AccessTrace {
  bool is_on = false;
  std::vector<Access> accesses;
};
extern AccessTrace access_trace;

}  // namespace slabproof
