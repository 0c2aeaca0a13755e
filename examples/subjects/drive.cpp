#include "examples/subjects/drive.hpp"

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

#include "model/process/isolated.hpp"
#include "model/program/codec.hpp"
#include "model/program/random_bytes.hpp"
#include "model/program/trace.hpp"

using namespace slabproof;

namespace {

struct FoundFailure {
  unsigned count = 0;
  Program shortest;
  std::string sentence;
};

/// Only operations that the subject can do: the others would be skipped and make programs longer.
Program program_of(std::uint64_t seed) {
  Program program = decode(random_bytes(seed, 24 + 4 * 64));
  std::erase_if(program.operations, [](const Operation& operation) {
    return operation.kind != OperationKind::Alloc && operation.kind != OperationKind::Free &&
           operation.kind != OperationKind::Fail;
  });
  return normalised(program);
}

}  // namespace

int drive_subject(int argc, char** argv, MakeSubject make) {
  const long programs = argc == 1 ? 2000 : argc == 2 ? std::atol(argv[1]) : 0;
  if (programs <= 0)
    return std::fprintf(stderr, "usage: %s [PROGRAMS]\nexit: 0 nothing wrong, 1 a defect found\n", argv[0]), 2;
  Runner runner{make};
  std::map<std::string, FoundFailure> failures;
  for (long seed = 0; seed < programs; ++seed) {
    Program program = program_of(static_cast<std::uint64_t>(seed));
    const Verdict verdict = run_isolated(runner, program, {.brief = true, .after_step = {}}).verdict;
    if (verdict.agreed()) continue;
    FoundFailure& failure = failures[verdict.signature()];
    if (verdict.step < program.operations.size()) program.operations.resize(verdict.step + 1);
    if (failure.count++ != 0 && failure.shortest.operations.size() <= program.operations.size()) continue;
    failure.shortest = renumbered(program);
    failure.sentence = verdict.sentence();
  }
  for (const auto& [signature, failure] : failures)
    std::printf("%s: %u of %ld programs; the shortest:\n%s%s\n\n", signature.c_str(), failure.count, programs,
                to_text(failure.shortest).c_str(), failure.sentence.c_str());
  if (failures.empty()) std::printf("Nothing wrong in %ld programs.\n", programs);
  return failures.empty() ? 0 : 1;
}
