#include <cstdio>
#include <cstdlib>

#include "fuzz/targets/statistics_file.hpp"
#include "fuzz/targets/table.hpp"
#include "model/judge/geometry_oracle.hpp"

static_assert(slabproof::target_named_in("fuzz_geometry")->input == slabproof::InputKind::Geometry);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static slabproof::StatisticsFile statistics;
  const slabproof::GeometryQuery query = slabproof::decode_geometry({data, size});
  const auto violation = slabproof::judge_geometry(query);
  statistics.add(1, 1);
  if (violation) {
    std::fprintf(stderr, "%s\nverdict: violated %s: expected %s, observed %s\n", slabproof::to_text(query).c_str(),
                 to_string(violation->invariant).c_str(), violation->expected.c_str(), violation->observed.c_str());
    std::abort();
  }
  return 0;
}
