#include "fuzz/replay/test_and_page.hpp"

#include <cstdio>
#include <string_view>

#include "fuzz/replay/as_test.hpp"
#include "fuzz/replay/history.hpp"
#include "fuzz/replay/input.hpp"
#include "fuzz/replay/minimize_file.hpp"

namespace slabproof {

Outcome write_test(Runner& runner, const std::string& file, const Program& program, const Options& options) {
  if (program.operations.size() > max_recorded_operations)
    return unreadable(file,
                      "has more than " + std::to_string(max_recorded_operations) + " operations; minimize it first");
  const Recording recording = record(runner, program);
  const std::size_t name = file.find_last_of('/') + 1;
  const std::string& output = options.output;
  const std::string test = as_test(program, recording, file.substr(name, file.find('.', name) - name),
                                   output.empty() ? "regression_test.cpp" : output);
  if (output.empty()) {
    std::printf("%s", test.c_str());
    return recording.run.verdict.agreed() ? Outcome::Agreed : Outcome::Fails;
  }
  if (!write_file(output, test.data(), test.size())) return Outcome::Unreadable;
  std::printf("written: %s\n", output.c_str());
  return print_verdict(recording.run, options);
}

Outcome write_page(Runner& runner, const std::string& file, const Program& program, const Options& options) {
  constexpr std::string_view place = "@HISTORY@";
  std::string why;
  auto page = read_file(SLABPROOF_REPLAY_PAGE, std::size_t{1} << 20, why);
  if (!page) return unreadable(SLABPROOF_REPLAY_PAGE, why);
  const History history = history_of(runner, program);
  if (history.json.empty()) return unreadable(file, "has more to show than a page can hold; minimize it first");
  page->replace(page->find(place), place.size(), history.json);
  const std::string written = options.output.empty() ? file + ".html" : options.output;
  if (!write_file(written, page->data(), page->size())) return Outcome::Unreadable;
  std::printf("written: %s\n", written.c_str());
  return print_verdict(history.run, options);
}

}  // namespace slabproof
