#include "bench/resident.hpp"

#include <cstdio>

namespace bench {

std::size_t resident() {
  std::size_t kib = 0;
  if (std::FILE* const file = std::fopen("/proc/self/smaps_rollup", "r")) {
    for (char line[256]; std::fgets(line, sizeof line, file);)
      if (std::sscanf(line, "Anonymous: %zu kB", &kib) == 1) break;
    std::fclose(file);
  }
  return kib * 1024;
}

}  // namespace bench
