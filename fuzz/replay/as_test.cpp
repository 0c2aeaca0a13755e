#include "fuzz/replay/as_test.hpp"

#include <algorithm>
#include <cctype>

#include "fuzz/replay/generated_test/backend.hpp"
#include "fuzz/replay/generated_test/body.hpp"
#include "fuzz/replay/generated_test/helpers.hpp"
#include "fuzz/replay/generated_test/memory.hpp"
#include "fuzz/replay/generated_test/plan.hpp"
#include "fuzz/replay/generated_test/steps.hpp"
#include "model/program/trace.hpp"

namespace slabproof {
namespace {

std::string name_of_test(std::string_view name) {
  const std::string camel = camel_case(name);
  return camel.empty() || std::isdigit(static_cast<unsigned char>(camel[0])) ? "Program" + camel : camel;
}

std::string compile_command(const std::string& file) {
  const bool is_plain = std::all_of(file.begin(), file.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || std::string_view{"/._-+,@%"}.find(static_cast<char>(c)) != std::string_view::npos;
  });
  std::string quoted = "'";
  for (const char c : file) quoted += c == '\'' ? "'\\''" : std::string{c};
  return "g++ -std=c++20 -g -fsanitize=address,undefined -fno-sanitize-recover=all -Iallocator/include " +
         (is_plain ? file : quoted + "'") + " -o regression_test -lgtest -lgtest_main && ./regression_test";
}

// The program's own text goes first.
std::string comment(const TestPlan& plan, const std::string& file) {
  std::string text = "// In the folder of the checkout, with g++ or clang++ (" +
                     std::string{plan.agrees ? "passes" : "fails"} + " on the cache that it was made with):\n// " +
                     compile_command(file) + "\n//\n// " +
                     (plan.agrees ? "The cache agrees with the model" : plan.verdict.sentence()) +
                     "\n// Made by ci/replay --as-test, which reads this program out of it again:\n//\n";
  const std::string trace = to_text(plan.program);
  for (std::size_t begin = 0; begin < trace.size();) {
    const std::size_t end = trace.find('\n', begin);
    text += "// " + trace.substr(begin, end - begin) + "\n";
    begin = end + 1;
  }
  return text;
}

std::string includes(const TestPlan& plan) {
  std::string text =
      "#include <algorithm>\n#include <cstddef>\n#include <cstdint>\n#include <cstdlib>\n#include <cstring>\n";
  if (plan.is_called_back() || plan.answers) text += "#include <functional>\n";
  text += "#include <map>\n";
  if (plan.ends || plan.errs) text += "#include <optional>\n";
  if (plan.heap) text += "#include <set>\n";
  if (plan.reenters || plan.errs || plan.answers) text += "#include <utility>\n";
  return text + "#include <vector>\n\n#include <gtest/gtest.h>\n#include <slab/slab.hpp>\n\n";
}

}  // namespace

std::string as_test(const Program& program, const Recording& recording, std::string_view name, std::string file) {
  const TestPlan plan{program, recording};
  TestBody body{plan};
  TestSteps{plan, body}.write();
  return comment(plan, file) + includes(plan) + "namespace {\n\n" + memory_of_test(plan) + backend_of_test(plan, body) +
         policies_of_test(plan) + functions_of_test(plan, body) + "TEST(Regression, " + name_of_test(name) + ") {\n" +
         body.text + "}\n\n}  // namespace\n";
}

}  // namespace slabproof
