// Tests of a pool or a heap.
#include "fuzz/replay/as_test.hpp"

#include <cerrno>
#include <cstdlib>
#include <string_view>

#include "fuzz/replay/input.hpp"
#include "fuzz/replay/subject_test/how_compiled.hpp"
#include "fuzz/replay/subject_test/subject_test.hpp"
#include "fuzz/replay/subject_test/texts.hpp"
#include "fuzz/replay/test_comment.hpp"
#include "model/process/cannot_judge.hpp"

namespace slabproof {
namespace {

constexpr const char* headers = R"(@if source
#include <sanitizer/asan_interface.h>
#include <sys/mman.h>
@end
@if hangs
#include <unistd.h>
@end

#include <algorithm>
@if abort
#include <csetjmp>
#include <csignal>
@end
#include <cstddef>
#include <cstdint>
@if source
#include <cstdio>
#include <cstdlib>
@end
#include <cstring>
#include <map>
#include <new>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#define SLABPROOF_IN_A_TEST  // what follows only names its class
$ADAPTER$
@if zeroed
#if !defined(SLABPROOF_ASAN_ANSWERS_NULL)
#define SLABPROOF_ASAN_ANSWERS_NULL
// As any malloc does where somebody wants more bytes than there can be; AddressSanitizer's ends the process otherwise.
extern "C" __attribute__((weak)) const char* __asan_default_options();
extern "C" __attribute__((weak)) const char* __asan_default_options() { return "allocator_may_return_null=1"; }
#endif
@end
namespace {

)";

/// The line with which files begin that ci/subject writes (ci/subjects/adapters.py).
constexpr std::string_view written_by_us =
    "// Written by ci/subject. A test of it has what follows, and not this file.\n";

/// What the test has of the adapter: its file, or its text where that is not the user's.
std::string adapter_in_test(const std::string& file) {
  std::string why;
  const auto text = read_file(file, std::size_t{1} << 20, why);
  if (!text) cannot_judge("--as-test: " + file + ": " + why);
  return text->starts_with(written_by_us) ? text->substr(written_by_us.size()) : "#include \"" + file + "\"\n";
}

/// A shared library is loaded by the harness's own code; which one, the environment says.
std::string environment_with(const TestedSubject& subject, HowCompiled& how) {
  if (!subject.is_library) return "";
  for (const char* const part : {"malloc_library", "child", "cannot_judge", "possible_checks", "watchdog"})
    how.others.push_back({how.root + "/model/process/" + part + ".cpp", how.adapter.words});
  how.libraries.emplace_back("-ldl");
  std::string environment;
  for (const char* const name : {"SLABPROOF_MALLOC", "GLIBC_TUNABLES"})
    if (const char* const value = std::getenv(name)) environment += std::string{name} + "=" + shell_word(value) + " ";
  return environment;
}

}  // namespace

const std::size_t max_operations_of_test = 4000;

GeneratedTest as_test(Runner& runner, const Program& program, std::string_view name, const std::string& file) {
  const TestedSubject& subject = tested_subject();
  HowCompiled how = how_compiled(subject.file);
  const std::string adapter = adapter_in_test(how.adapter.file), environment = environment_with(subject, how);
  GeneratedTest test{"", run_isolated(runner, program)};
  const Verdict& verdict = test.run.verdict;
  const Parts parts = parts_of_test(subject, program, verdict);
  Values values = values_of_test(subject, program, parts);
  values["ADAPTER"] = adapter;
  test.text = comment_of_test(program, verdict,
                              {.how = "To compile and run it",
                               .where = "with the allocator that it was made with",
                               .commands = commands_for(how, file, environment),
                               .agreed = "The allocator agrees with the model",
                               .tool = program_invocation_short_name}) +
              "\n" + selected(std::string{headers} + source_of_test + judge_of_test + checks_of_test, parts, values) +
              "TEST(Regression, " + name_of_test(name) + ") {\n" + body_of_test(subject, program, verdict, parts) +
              "}\n\n}  // namespace\n";
  return test;
}

}  // namespace slabproof
