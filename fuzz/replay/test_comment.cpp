#include "fuzz/replay/test_comment.hpp"

#include <algorithm>
#include <cctype>

#include "model/program/trace.hpp"

namespace slabproof {
namespace {

/// Each line behind "// ".
std::string commented(std::string_view text) {
  std::string comment;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    comment.append(end == 0 ? "//" : "// ").append(text.substr(0, end)).append("\n");
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return comment;
}

}  // namespace

std::string shell_word(const std::string& word) {
  const bool is_plain = std::all_of(word.begin(), word.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || std::string_view{"/._-+,@%=:"}.find(static_cast<char>(c)) != std::string_view::npos;
  });
  if (is_plain) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? "'\\''" : std::string{c};
  return quoted + "'";
}

std::string camel_case(std::string_view name) {
  std::string camel;
  bool up = true;
  for (const char c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)))
      camel += static_cast<char>(up ? std::toupper(static_cast<unsigned char>(c)) : c);
    up = !std::isalnum(static_cast<unsigned char>(c));
  }
  return camel;
}

std::string name_of_test(std::string_view name) {
  const std::string camel = camel_case(name);
  return camel.empty() || std::isdigit(static_cast<unsigned char>(camel[0])) ? "Program" + camel : camel;
}

std::string comment_of_test(const Program& program, const Verdict& verdict, const TestComment& words) {
  return commented(words.how + " (" + (verdict.agreed() ? "passes" : "fails") + " " + words.where + "):\n" +
                   words.commands + "\n" + (verdict.agreed() ? words.agreed : verdict.sentence()) + "\nMade by " +
                   words.tool + " --as-test, which reads this program out of it again:\n\n" + to_text(program));
}

}  // namespace slabproof
