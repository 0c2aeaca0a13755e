// Tests of a pool or a heap.
#include "fuzz/replay/as_test.hpp"

#include <cerrno>
#include <cstdlib>

#include "fuzz/replay/input.hpp"
#include "fuzz/replay/subject_test/how_compiled.hpp"
#include "fuzz/replay/subject_test/subject_test.hpp"
#include "fuzz/replay/subject_test/texts.hpp"
#include "fuzz/replay/test_comment.hpp"

namespace slabproof {
namespace {

constexpr const char* headers = R"(@if source
#include <sanitizer/asan_interface.h>
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

/// What the test has of the adapter: its own text where it has no class, only the name of one; else its file.
std::string adapter_in_test(const std::string& file, const std::string& text) {
  const bool has_class = text.empty() || text.find("SLABPROOF_SUBJECT") != text.npos;
  return has_class ? "#include \"" + file + "\"\n" : text;
}

/// A shared library is loaded by the harness's own code; which one, the environment says.
std::string environment_with(const std::string& adapter, HowCompiled& how) {
  if (adapter.find("SLABPROOF_MALLOC_LIBRARY") == adapter.npos) return "";
  for (const char* const part : {"malloc_library", "child", "cannot_judge", "possible_checks", "watchdog"})
    how.others.push_back({how.root + "/model/process/" + part + ".cpp", how.adapter.words});
  how.libraries += " -ldl";
  std::string environment;
  for (const char* const name : {"SLABPROOF_MALLOC", "GLIBC_TUNABLES"})
    if (const char* const value = std::getenv(name)) environment += std::string{name} + "=" + shell_word(value) + " ";
  return environment;
}

}  // namespace

const std::size_t max_operations_of_test = 4000;

GeneratedTest as_test(Runner& runner, const Program& program, std::string_view name, const std::string& file) {
  const TestedSubject& subject = tested_subject();
  HowCompiled how = how_compiled();
  std::string why;
  const std::string adapter = read_file(how.adapter.file, std::size_t{1} << 20, why).value_or("");
  const std::string environment = environment_with(adapter, how);
  GeneratedTest test{"", run_isolated(runner, program)};
  const Verdict& verdict = test.run.verdict;
  const Parts parts = parts_of_test(subject, program, verdict);
  Values values = values_of_test(subject, program, parts);
  values["ADAPTER"] = adapter_in_test(how.adapter.file, adapter);
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
