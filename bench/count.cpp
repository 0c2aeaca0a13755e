#include <string>

#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#endif

#include "bench/selection.hpp"

namespace bench {

bool count_instructions([[maybe_unused]] const std::vector<Case>& cases) {
#ifdef CALLGRIND_ZERO_STATS
  if (!RUNNING_ON_VALGRIND) return false;
  for (Case counted : cases) {
    counted.shape.pairs /= 10;  // counts do not vary as times do
    const auto session = counted.subject->open(counted.shape);
    CALLGRIND_ZERO_STATS;
    CALLGRIND_TOGGLE_COLLECT;
    session->run();
    CALLGRIND_TOGGLE_COLLECT;
    const std::string of = counted.subject->name + "|" + std::string{counted.shape.name} + "|" +
                           std::to_string(counted.subject->size) + "|" + std::to_string(session->pairs());
    CALLGRIND_DUMP_STATS_AT(of.c_str());
  }
  return true;
#else
  return false;
#endif
}

}  // namespace bench
