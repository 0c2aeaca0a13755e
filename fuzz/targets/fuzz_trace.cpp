#include <cstdio>
#include <cstdlib>

#include "fuzz/chain/record_file.hpp"
#include "fuzz/targets/statistics_file.hpp"
#include "fuzz/targets/table.hpp"
#include "model/judge/trace_oracle.hpp"

static_assert(slabproof::target_named_in("fuzz_trace")->input == slabproof::InputKind::Text);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static slabproof::StatisticsFile statistics;
  static slabproof::RecordFile record{slabproof::InputKind::Text};
  const slabproof::RecordFile::Input recorded{record, data, size};
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto violation = slabproof::judge_trace(text);
  statistics.add(1, 1);
  if (violation) {
    std::fprintf(stderr, "%.*s\nverdict: violated %s: expected %s, observed %s\n", static_cast<int>(size), text.data(),
                 to_string(violation->invariant).c_str(), violation->expected.c_str(), violation->observed.c_str());
    std::abort();
  }
  return 0;
}
