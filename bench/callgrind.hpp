#pragma once

#include <string>

#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#endif

namespace bench {

/// Whether this runs under callgrind, and was compiled with its header.
inline bool can_count() {
#ifdef CALLGRIND_ZERO_STATS
  return RUNNING_ON_VALGRIND;
#else
  return false;
#endif
}

/// Does the work, and has callgrind write what it takes into a file of its own, which names `of`. Requires can_count().
template <class F>
void count(F work, [[maybe_unused]] const std::string& of) {
#ifdef CALLGRIND_ZERO_STATS
  CALLGRIND_ZERO_STATS;
  CALLGRIND_TOGGLE_COLLECT;
#endif
  work();
#ifdef CALLGRIND_ZERO_STATS
  CALLGRIND_TOGGLE_COLLECT;
  CALLGRIND_DUMP_STATS_AT(of.c_str());
#endif
}

}  // namespace bench
