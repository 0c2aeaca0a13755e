#include "properties/machines/environment.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <limits>
#include <sstream>
#include <string_view>

#include <rapidcheck.h>

namespace slabproof {
namespace {

struct Key {
  std::string_view name;
  std::uint64_t most;
};
// The keys of RapidCheck that have an effect here: the number of programs is SLABPROOF_DEEP's, and a property reports
// its progress itself.
constexpr Key keys[] = {{"seed", std::numeric_limits<std::uint64_t>::max()},
                        {"max_size", std::numeric_limits<int>::max()},
                        {"max_discard_ratio", std::numeric_limits<int>::max()},
                        {"noshrink", 1}};

bool is_number(std::string_view text, std::uint64_t least, std::uint64_t most) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size() && number >= least && number <= most;
}

std::string_view variable(const char* name) {
  const char* const value = std::getenv(name);
  return value ? value : "";
}

bool is_understood(std::string_view word) {
  const std::size_t at = word.find('=');
  if (at == std::string_view::npos || at + 1 == word.size()) return false;
  const std::string_view name = word.substr(0, at), value = word.substr(at + 1);
  if (name == "reproduce") return true;
  return std::any_of(std::begin(keys), std::end(keys),
                     [&](const Key& key) { return key.name == name && is_number(value, 0, key.most); });
}

}  // namespace

std::string wrong_environment(const std::vector<std::string>& ids) {
  if (const auto value = variable("SLABPROOF_DEEP"); !value.empty() && !is_number(value, 1, 999'999))
    return "SLABPROOF_DEEP=" + std::string{value} + ": no whole number from 1 to 999999";
  const std::string parameters{variable("RC_PARAMS")};
  std::istringstream words{parameters};
  for (std::string word; words >> word;)
    if (!is_understood(word))
      return "RC_PARAMS=" + parameters + ": " + word +
             " is not understood; it may have seed=N, max_size=N, max_discard_ratio=N, noshrink=1 and reproduce=…";
  try {
    const auto reproduce = rc::detail::configFromString(parameters).reproduce;
    if (!reproduce.empty() &&
        std::none_of(ids.begin(), ids.end(), [&](const std::string& id) { return reproduce.contains(id); }))
      return "RC_PARAMS: reproduce= is of " + reproduce.begin()->first + ", which is no property here";
  } catch (const rc::detail::ConfigurationException& error) {
    return "RC_PARAMS=" + parameters + ": " + error.what();
  }
  return "";
}

std::uint64_t deep() {
  const std::string value{variable("SLABPROOF_DEEP")};
  return value.empty() ? 1 : std::strtoull(value.c_str(), nullptr, 10);
}

}  // namespace slabproof
