#include <cstdio>
#include <new>
#include <string>

#include <benchmark/benchmark.h>

#include "bench/selection.hpp"

namespace bench {
namespace {

/// Prints each measurement when it is made: who reads this has lost nothing when the program is killed.
class LineReporter final : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      const std::string& label = run.report_label;
      if (run.error_occurred)
        std::printf("{\"kind\": \"unmeasured\", %s, \"reason\": \"%s\"}\n", label.c_str(), run.error_message.c_str());
      else
        std::printf("{\"kind\": \"time\", %s, \"ns\": %.4f}\n", label.c_str(),
                    run.cpu_accumulated_time * 1e9 / run.counters.at("pairs").value);
    }
    std::fflush(stdout);
  }
};

void measure(benchmark::State& state, const Case& measured) {
  state.SetLabel("\"subject\": \"" + measured.subject->name + "\", \"workload\": \"" +
                 std::string{measured.shape.name} + "\", \"size\": " + std::to_string(measured.subject->size) +
                 ", \"live\": " + std::to_string(measured.shape.objects));
  try {
    const auto session = measured.subject->open(measured.shape);
    for (auto _ : state) session->run();
    state.counters["pairs"] = static_cast<double>(session->pairs());
  } catch (const std::bad_alloc&) {
    state.SkipWithError("out of memory");
  }
}

}  // namespace

void print_times(const std::vector<Case>& cases, std::size_t rounds) {
  char name[] = "field", interleaved[] = "--benchmark_enable_random_interleaving=true";
  char* arguments[] = {name, interleaved, nullptr};
  int count = 2;
  benchmark::Initialize(&count, arguments);
  for (std::size_t i = 0; i < cases.size(); ++i)
    benchmark::RegisterBenchmark(std::to_string(i).c_str(), measure, cases[i])->Iterations(1);
  LineReporter reporter;
  // Every round in another order. As repetitions of one run they would be told at its end only.
  for (std::size_t round = 0; round < rounds; ++round) benchmark::RunSpecifiedBenchmarks(&reporter);
}

}  // namespace bench
