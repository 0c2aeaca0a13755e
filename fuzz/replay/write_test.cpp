#include <cstdio>

#include "fuzz/replay/as_test.hpp"
#include "fuzz/replay/minimize_file.hpp"
#include "fuzz/replay/test_and_page.hpp"

namespace slabproof {

Outcome write_test(Runner& runner, const std::string& file, const Program& program, const Options& options) {
  if (program.operations.size() > max_operations_of_test)
    return unreadable(file,
                      "has more than " + std::to_string(max_operations_of_test) + " operations; minimize it first");
  const std::size_t name = file.find_last_of('/') + 1;
  const std::string& output = options.output;
  const auto [test, run] = as_test(runner, program, file.substr(name, file.find('.', name) - name),
                                   output.empty() ? "regression_test.cpp" : output);
  if (output.empty()) {
    std::printf("%s", test.c_str());
    return run.verdict.agreed() ? Outcome::Agreed : Outcome::Fails;
  }
  if (!write_file(output, test.data(), test.size())) return Outcome::Unreadable;
  std::printf("written: %s\n", output.c_str());
  return print_verdict(run, options);
}

}  // namespace slabproof
