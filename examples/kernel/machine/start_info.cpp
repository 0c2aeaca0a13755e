#include "examples/kernel/machine/start_info.hpp"

namespace kernel {

void CommandLine::read(const char* text) noexcept {
  for (std::size_t i = 0; i + 1 < sizeof text_ && text[i]; ++i) text_[i] = text[i];
}

const char* CommandLine::value_of(const char* name) const noexcept {
  for (const char* word = text_; *word;) {
    std::size_t length = 0;
    while (name[length] && word[length] == name[length]) ++length;
    const char next = word[length];
    if (!name[length] && (next == '=' || next == ' ' || next == 0)) return word + length + (next == '=');
    while (*word && *word != ' ') ++word;
    while (*word == ' ') ++word;
  }
  return nullptr;
}

bool CommandLine::has(const char* name, const char* value) const noexcept {
  const char* found = value_of(name);
  if (!found) return false;
  while (*value && *found == *value) ++found, ++value;
  return *value == 0 && (*found == 0 || *found == ' ');
}

std::uint64_t number_in(const char* text) noexcept {
  std::uint64_t number = 0;
  for (; text && *text >= '0' && *text <= '9'; ++text) number = 10 * number + static_cast<std::uint64_t>(*text - '0');
  return number;
}

}  // namespace kernel
