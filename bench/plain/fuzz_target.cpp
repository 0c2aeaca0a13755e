// Plain libFuzzer: three bytes are a step.
#include <cstdio>
#include <cstdlib>

#include "bench/plain/model.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<Step> steps;
  for (; size >= 3; data += 3, size -= 3) steps.push_back({data[0], data[1], data[2]});
  if (!runs<Tested>(steps)) std::abort();
  return 0;
}
