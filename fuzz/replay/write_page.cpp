#include <cstdio>
#include <string_view>

#include "fuzz/replay/history.hpp"
#include "fuzz/replay/input.hpp"
#include "fuzz/replay/minimize_file.hpp"
#include "fuzz/replay/test_and_page.hpp"

namespace slabproof {

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
