#include "bench/selection.hpp"

#include <algorithm>
#include <charconv>

namespace bench {
namespace {

std::vector<std::string> parts_of(std::string_view list) {
  std::vector<std::string> parts;
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    parts.emplace_back(list.substr(0, comma));
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return parts;
}

bool read_number(std::string_view text, std::size_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size() && number > 0;
}

bool read_numbers(std::string_view list, std::vector<std::size_t>& numbers) {
  for (const std::string& part : parts_of(list)) {
    numbers.emplace_back();
    if (!read_number(part, numbers.back())) return false;
  }
  return !numbers.empty();
}

template <class T>
bool has(const std::vector<T>& list, const T& value) {
  return list.empty() || std::find(list.begin(), list.end(), value) != list.end();
}

}  // namespace

bool Selection::takes(const Subject& subject) const { return has(subjects, subject.name) && has(sizes, subject.size); }

std::string parse(const std::vector<std::string>& arguments, Selection& selection) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (word == "--time" || word == "--statistics" || word == "--memory" || word == "--count" || word == "--list") {
      selection.what = word;
      continue;
    }
    if (++i == arguments.size()) return word + ": it is unknown, or its value is missing";
    const std::string& value = arguments[i];
    const bool read = word == "--subjects"    ? !(selection.subjects = parts_of(value)).empty()
                      : word == "--workloads" ? !(selection.workloads = parts_of(value)).empty()
                      : word == "--sizes"     ? read_numbers(value, selection.sizes)
                      : word == "--live"      ? read_numbers(value, selection.live)
                      : word == "--rounds"    ? read_number(value, selection.rounds)
                                              : false;
    if (!read) return word + " " + value + ": it is unknown, or its value is wrong";
  }
  return selection.what.empty() ? "it is not said what to do" : "";
}

std::vector<Case> cases_of(const Selection& selection) {
  std::vector<Case> cases;
  for (const Subject& subject : subjects()) {
    if (!selection.takes(subject)) continue;
    for (const Shape& shape : shapes) {
      if (!has(selection.workloads, std::string{shape.name})) continue;
      if (selection.live.empty()) cases.push_back({&subject, shape});
      if (shape.workload != Workload::Churn) continue;
      for (const std::size_t live : selection.live)
        cases.push_back({&subject, {shape.workload, "W5", live, shape.pairs}});
    }
  }
  return cases;
}

}  // namespace bench
