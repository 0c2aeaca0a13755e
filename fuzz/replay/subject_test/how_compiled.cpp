#include "fuzz/replay/subject_test/how_compiled.hpp"

#include <algorithm>
#include <string_view>

#include "fuzz/replay/test_comment.hpp"

namespace slabproof {
namespace {

/// A word of CMake's for a shell: behind SHELL: it is some already. What only a fuzzer wants is left out.
std::string word_of(std::string_view word) {
  constexpr std::string_view is_quoted = "SHELL:";
  if (word.starts_with("-fsanitize=fuzzer")) return "";
  return " " +
         (word.starts_with(is_quoted) ? std::string{word.substr(is_quoted.size())} : shell_word(std::string{word}));
}

}  // namespace

HowCompiled how_compiled() {
  HowCompiled how;
  HowCompiled::Source* source = &how.adapter;
  std::string_view rest = how_it_is_compiled();
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const std::size_t blank = std::min(line.find(' '), line.size());
    const std::string_view fact = line.substr(0, blank), value = line.substr(std::min(blank + 1, line.size()));
    if (fact == "root") how.root = value;
    if (fact == "compiler") how.compiler = value;
    if (fact == "c_compiler") how.c_compiler = value;
    if (fact == "adapter") source->file = value;
    if (fact == "source") source = &how.others.emplace_back(std::string{value}, "");
    if (fact == "standard" && !source->file.ends_with(".c"))
      source->words += " -std=c++" + (value.empty() ? std::string{"20"} : std::string{value});
    if (fact == "word") source->words += word_of(value);
    if (fact == "library") how.libraries += word_of(value);
  }
  return how;
}

std::string commands_for(const HowCompiled& how, const std::string& file, const std::string& environment) {
  std::string commands, objects;
  for (std::size_t i = 0; i < how.others.size(); ++i) {
    const HowCompiled::Source& other = how.others[i];
    const std::string object = "regression_test_" + std::to_string(i) + ".o";
    commands += shell_word(other.file.ends_with(".c") ? how.c_compiler : how.compiler) + other.words + " -c " +
                shell_word(other.file) + " -o " + object + " &&\n";
    objects += " " + object;
  }
  return commands + shell_word(how.compiler) + how.adapter.words + " " + shell_word(file) + objects +
         " -o regression_test -lgtest -lgtest_main" + how.libraries + " &&\n" + environment + "./regression_test\n";
}

}  // namespace slabproof
