// A judge of which some checks are left out, for ci/ablation. A program is linked with this before model, of which the
// linker then does not take judgement.cpp: no other program has any of it.
#include "model/judge/ablation.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "model/judge/verdict.hpp"

namespace slabproof {
namespace {

/// What the compiler calls a function of an enumerator: "… [value = slabproof::Cause::WrongSize]".
template <auto value>
constexpr const char* named() {
  return __PRETTY_FUNCTION__;
}
/// The enumerator's name; a number where there is none.
constexpr std::string_view name_in(std::string_view text) {
  text.remove_prefix(text.find("value = "));
  text = text.substr(0, text.find_first_of(";]"));
  return text.substr(text.rfind(':') + 1);
}
static_assert(name_in(named<Cause::OtherBytes>()) == "OtherBytes");

/// Of the enumerators with the numbers that `number` gives for 0, 1, …
template <class Enum, auto number, std::size_t... i>
std::vector<std::string_view> names_of(std::index_sequence<i...>) {
  std::vector<std::string_view> names;
  for (const char* const text : {named<static_cast<Enum>(number(i))>()...}) names.push_back(name_in(text));
  return names;
}
constexpr std::size_t of_a_letter = 32;  // at most
const std::vector<std::string_view> causes = names_of<Cause, [](std::size_t i) { return i; }>(
    std::make_index_sequence<static_cast<std::size_t>(Cause::OtherBytes) + 1>());
const std::vector<std::string_view> ids =
    names_of<Invariant, [](std::size_t i) { return ('A' + i / of_a_letter) << 8 | i % of_a_letter; }>(
        std::make_index_sequence<('Z' - 'A' + 1) * of_a_letter>());

bool has(const std::vector<std::string_view>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

[[noreturn]] void refuse(const char* variable, const std::string& why) {
  std::fprintf(stderr, "%s: %s\n", variable, why.c_str());
  std::_Exit(2);
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    const std::string word{text.substr(at, end - at)};
    const std::size_t slash = word.find('/');
    if (word != "all" && !has(ids, word.substr(0, slash)))
      refuse("SLABPROOF_WITHOUT", "\"" + word + "\" is no invariant");
    if (slash != word.npos && !has(causes, word.substr(slash + 1)))
      refuse("SLABPROOF_WITHOUT", "\"" + word + "\" names no cause");
    words.push_back(word);
    at = end + 1;
  }
  return words;
}

/// What the environment asks for. Read when the program starts: a child that refuses would look as if it had died.
struct Ablation {
  std::vector<std::string> without;
  int overlooked = -1;

  Ablation() {
    if (const char* const text = std::getenv("SLABPROOF_WITHOUT")) without = words_of(text);
    const char* const file = std::getenv("SLABPROOF_OVERLOOKED");
    if (file && (overlooked = ::open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)) < 0)
      refuse("SLABPROOF_OVERLOOKED", std::string{file} + " cannot be written");
  }

  void note(const std::string& check) {
    if (overlooked < 0 || !noted_.insert(check).second) return;
    const std::string line = check + "\n";
    if (::write(overlooked, line.data(), line.size()) != static_cast<ssize_t>(line.size())) std::abort();
  }

 private:
  std::set<std::string> noted_;
};
Ablation ablation;

}  // namespace

bool is_left_out(Invariant invariant, std::string_view what) {
  const std::string id = invariant == Invariant::OfAudit ? "OfAudit" : to_string(invariant);
  const std::string check = id + "/" + std::string{what};
  for (const std::string& word : ablation.without) {
    if (word != "all" && word != id && word != check) continue;
    ablation.note(check);
    return true;
  }
  return false;
}

void Judgement::violate(Invariant invariant, Cause cause, std::string expected, std::string observed) {
  if (!violation_ && !is_left_out(invariant, causes[static_cast<std::size_t>(cause)]))
    violation_ = Violation{invariant, cause, std::move(expected), std::move(observed)};
}

}  // namespace slabproof
