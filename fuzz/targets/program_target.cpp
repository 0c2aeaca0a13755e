#include "fuzz/targets/program_target.hpp"

#include <cstdio>
#include <cstdlib>

#include "fuzz/chain/record_file.hpp"
#include "fuzz/targets/statistics_file.hpp"
#include "model/judge/runner.hpp"
#include "model/program/codec.hpp"
#include "model/program/decoder.hpp"
#include "model/program/trace.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace slabproof;
  static Runner runner;
  static StatisticsFile statistics;
  static RecordFile record{InputKind::Program};
  if (target_row && decode_setup(data, size).caches[0].row() != target_row) return 0;
  const RecordFile::Input recorded{record, data, size};
  const std::uint64_t before = runner.operations();
  const Verdict verdict = runner.run(std::span{data, size});
  statistics.add(1, runner.operations() - before);
  statistics.set_states(runner.states());
  if (!verdict.agreed()) {
    std::fprintf(stderr, "%sverdict: %s\nSUMMARY: slabproof: %s\n",
                 to_text(decode({data, size}, runner.language())).c_str(), verdict.sentence().c_str(),
                 verdict.signature().c_str());
    std::abort();
  }
  return 0;
}
