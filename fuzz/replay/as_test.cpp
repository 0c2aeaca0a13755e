#include "fuzz/replay/as_test.hpp"

#include "fuzz/replay/generated_test/backend.hpp"
#include "fuzz/replay/generated_test/body.hpp"
#include "fuzz/replay/generated_test/helpers.hpp"
#include "fuzz/replay/generated_test/memory.hpp"
#include "fuzz/replay/generated_test/plan.hpp"
#include "fuzz/replay/generated_test/steps.hpp"
#include "fuzz/replay/recording.hpp"
#include "fuzz/replay/test_comment.hpp"

namespace slabproof {
namespace {

std::string comment(const TestPlan& plan, const std::string& file) {
  return comment_of_test(
      plan.program, plan.verdict,
      {.how = "In the folder of the checkout, with g++ or clang++",
       .where = "on the cache that it was made with",
       .commands = "g++ -std=c++20 -g -fsanitize=address,undefined -fno-sanitize-recover=all -Iallocator/include " +
                   shell_word(file) + " -o regression_test -lgtest -lgtest_main && ./regression_test\n",
       .agreed = "The cache agrees with the model",
       .tool = "ci/replay"});
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

const std::size_t max_operations_of_test = max_recorded_operations;

GeneratedTest as_test(Runner& runner, const Program& program, std::string_view name, const std::string& file) {
  const Recording recording = record(runner, program);
  const TestPlan plan{program, recording};
  TestBody body{plan};
  TestSteps{plan, body}.write();
  return {comment(plan, file) + includes(plan) + "namespace {\n\n" + memory_of_test(plan) +
              backend_of_test(plan, body) + policies_of_test(plan) + functions_of_test(plan, body) +
              "TEST(Regression, " + name_of_test(name) + ") {\n" + body.text + "}\n\n}  // namespace\n",
          recording.run};
}

}  // namespace slabproof
