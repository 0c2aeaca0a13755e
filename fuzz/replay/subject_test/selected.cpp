#include "fuzz/replay/subject_test/selected.hpp"

#include <vector>

namespace slabproof {

std::string selected(std::string_view text, const Parts& parts, const Values& values) {
  std::string chosen;
  std::vector<bool> wanted{true};  // of each @if around, whether its lines are
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (line.starts_with("@if ")) {
      line.remove_prefix(4);
      const bool is_not = line.starts_with('!');
      wanted.push_back(wanted.back() && parts.find(line.substr(is_not))->second != is_not);
    } else if (line == "@else") {
      wanted.back() = wanted[wanted.size() - 2] && !wanted.back();
    } else if (line == "@end") {
      wanted.pop_back();
    } else if (wanted.back()) {
      if (line.starts_with('@')) {
        const std::size_t bar = line.find('|');
        if (!parts.find(line.substr(1, bar - 1))->second) continue;
        line.remove_prefix(bar + 1);
      }
      const bool is_second_blank = line.empty() && chosen.ends_with("\n\n");
      if (!is_second_blank) chosen.append(line).append("\n");
    }
  }
  for (const auto& [name, value] : values)
    for (std::size_t at = 0; (at = chosen.find("$" + name + "$", at)) != chosen.npos; at += value.size())
      chosen.replace(at, name.size() + 2, value);
  return chosen;
}

}  // namespace slabproof
