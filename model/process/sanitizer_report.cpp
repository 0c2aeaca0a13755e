#include "model/process/sanitizer_report.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace slabproof {
namespace {

constexpr std::string_view asan = "AddressSanitizer: ", ubsan = "runtime error: ";

/// "void slab::detail::CacheCore<A, B>::free(void*)" -> "free". The class is left out because g++ omits it in frames of
/// inlined functions.
std::string short_name(std::string function) {
  constexpr std::string_view unnamed = "(anonymous namespace)::";
  for (std::size_t at = 0; (at = function.find(unnamed)) != std::string::npos;) function.erase(at, unnamed.size());
  std::string plain;
  int depth = 0;
  for (const char c : function) {
    if (c == '(' && depth == 0) break;
    if (c == '<') ++depth;
    if (depth == 0) plain += c;
    if (c == '>') --depth;
  }
  return plain.substr(plain.find_last_of(": ") + 1);
}

std::string_view line_at(std::string_view report, std::size_t at) {
  return report.substr(at, report.find('\n', at) - at);
}

bool is_frame(std::string_view line) {
  const std::size_t number = line.find_first_not_of(' ');
  return number != std::string_view::npos && line[number] == '#';
}

/// The parts of a line of a stack, "#1 0x… in FUNCTION FILE:LINE". Both are empty if it names no file.
struct Frame {
  std::string function;  // without its class and its parameters
  std::string_view place;

  explicit Frame(std::string_view line) {
    constexpr std::string_view in = " in ";
    const std::size_t begin = line.find(in);
    if (!is_frame(line) || begin == std::string_view::npos) return;
    // A path may contain spaces, and may be relative, if a compiler cache has made it so.
    std::size_t end = line.find(" /", begin + in.size());
    if (end == std::string_view::npos) end = line.rfind(' ');
    if (end < begin + in.size()) return;
    function = short_name(std::string{line.substr(begin + in.size(), end - begin - in.size())});
    place = line.substr(end + 1);
  }
  [[nodiscard]] bool lies_in(std::string_view folder) const { return place.find(folder) != std::string_view::npos; }
};

/// AddressSanitizer's first sentence without the registers: what is wrong, where, and whether it was read or written.
std::string describe_asan(std::string_view report, std::size_t at) {
  const std::string_view line = line_at(report, at);
  std::string text{line.substr(0, std::min({line.find(" at pc "), line.find(" (pc "), line.size()}))};
  for (const std::string_view access : {"\nREAD of size ", "\nWRITE of size "})
    if (const std::size_t found = report.find(access, at); found != std::string_view::npos) {
      const std::string_view said = line_at(report, found + 1);
      text += ", " + std::string{said.substr(0, said.find(" at "))};
    }
  constexpr std::string_view caused = "caused by a ";
  if (const std::size_t found = report.find(caused, at); found != std::string_view::npos) {
    const std::string_view said = line_at(report, found + caused.size());
    text += ", a " + std::string{said.substr(0, said.find_first_of(".\n"))};
  }
  return text;
}

/// The last line that a program prints before it ends itself: the text of an assertion or of the cache's default
/// report.
std::string last_words(std::string_view report) {
  while (report.ends_with('\n')) report.remove_suffix(1);
  const std::string_view line = report.substr(report.rfind('\n') + 1);
  return line.empty() ? "" : ": " + std::string{line};
}

}  // namespace

std::string first_frame(std::string_view report) {
  for (std::size_t at = 0; at < report.size();) {
    const std::string_view line = line_at(report, at);
    at += line.size() + 1;
    if (Frame frame{line}; frame.lies_in("allocator/include/slab/")) return std::move(frame.function);
  }
  return "";
}

std::vector<std::string> first_frames(std::string_view report) {
  constexpr std::size_t most = 4;
  constexpr const char* folders[] = {"/allocator/", "/model/", "/properties/", "/fuzz/", "/examples/"};
  std::vector<std::string> frames;
  bool began = false;
  for (std::size_t at = 0; at < report.size() && frames.size() < most;) {
    const std::string_view line = line_at(report, at);
    at += line.size() + 1;
    if (began && !is_frame(line)) break;
    began |= is_frame(line);
    const Frame frame{line};
    if (std::none_of(std::begin(folders), std::end(folders), [&](auto folder) { return frame.lies_in(folder); }))
      continue;
    const std::string_view place = frame.place.substr(frame.place.rfind('/') + 1);
    // The column is left out because g++ does not give it.
    frames.push_back(frame.function + " " + std::string{place.substr(0, place.find(':', place.find(':') + 1))});
  }
  return frames;
}

DeathBy ended_by(std::string_view report) {
  if (report.find(asan) != std::string_view::npos) return DeathBy::AddressSanitizer;
  if (report.find(ubsan) != std::string_view::npos) return DeathBy::UndefinedBehaviorSanitizer;
  return DeathBy::SignalOrExit;
}

std::string describe_death(std::string_view report, const ChildEnd& end) {
  switch (ended_by(report)) {
    case DeathBy::AddressSanitizer: return describe_asan(report, report.find(asan));
    case DeathBy::UndefinedBehaviorSanitizer:
      return "UndefinedBehaviorSanitizer: " + std::string{line_at(report, report.find(ubsan) + ubsan.size())};
    case DeathBy::None:
    case DeathBy::SignalOrExit: break;
  }
  return end.text() + last_words(report);
}

}  // namespace slabproof
