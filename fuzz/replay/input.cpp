#include "fuzz/replay/input.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "fuzz/replay/json.hpp"
#include "fuzz/targets/table.hpp"
#include "model/program/codec.hpp"
#include "model/subject/tested_subject.hpp"

namespace slabproof {
namespace {

/// The name of a file and of its folder.
std::string_view name_of(const std::string& file) {
  const std::size_t slash = file.find_last_of('/');
  const std::size_t folder =
      slash == std::string::npos || slash == 0 ? std::string::npos : file.find_last_of('/', slash - 1);
  return std::string_view{file}.substr(folder == std::string::npos ? 0 : folder + 1);
}

/// The first line that is neither empty nor a comment, without leading blanks.
std::string_view first_words(std::string_view text) {
  for (;;) {
    text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
    if (!text.starts_with("//")) return text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.find('\n'), text.size()));
  }
}

/// "slabproof trace", with any blanks between.
bool begins_as_trace(std::string_view text) {
  std::string_view line = first_words(text);
  for (const std::string_view word : {"slabproof", "trace"}) {
    if (!line.starts_with(word)) return false;
    line.remove_prefix(word.size());
    const std::size_t blanks = std::min(line.find_first_not_of(" \t\r"), line.size());
    if (blanks == 0 && !line.empty()) return false;
    line.remove_prefix(blanks);
  }
  return true;
}

/// Letters of two bytes each, as some editors save text.
bool is_utf16(std::string_view text) {
  const bool has_mark = text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF");
  if (has_mark) text.remove_prefix(2);
  if (text.size() < 8 || text.size() % 2 != 0) return false;
  const auto is_letter = [](char c) { return (c >= ' ' && c <= '~') || c == '\n' || c == '\r' || c == '\t'; };
  for (const std::size_t first : {0u, 1u}) {
    bool is = true;
    for (std::size_t i = 0; is && i < (has_mark ? 8 : text.size()); i += 2)
      is = is_letter(text[i + first]) && text[i + 1 - first] == '\0';
    if (is) return true;
  }
  return false;
}

/// Whether this is text for people: letters, line ends, form feeds and terminal colours, in UTF-8 or with a few letters
/// of an older encoding, and longer than a fuzzer would produce by chance.
bool is_written_text(std::string_view text) {
  const auto is_of_no_text = [](unsigned char c) {
    constexpr std::string_view white = "\t\n\v\f\r\x1B";
    return (c < 0x20 && white.find(static_cast<char>(c)) == white.npos) || c == 0x7F;
  };
  if ((text.size() < 16 && !text.ends_with('\n')) || std::any_of(text.begin(), text.end(), is_of_no_text)) return false;
  const auto foreign = std::count_if(text.begin(), text.end(), [](unsigned char c) { return c >= 0x80; });
  return is_utf8(text) || static_cast<std::size_t>(foreign) * 4 <= text.size();
}

/// Whether a file is named as texts are and fuzzers' files are not.
bool is_named_as_text(std::string_view name) {
  constexpr std::string_view endings[] = {".trace", ".md", ".txt", ".log", ".json",
                                          ".html",  ".py", ".sh",  ".hpp", ".h"};
  return std::any_of(std::begin(endings), std::end(endings), [&](auto ending) { return name.ends_with(ending); });
}

/// Why a text is no program although it should be; nothing for the bytes of a fuzzer.
std::optional<std::string> why_no_program(std::string_view name, std::string_view content) {
  const auto is_named = [&](std::initializer_list<std::string_view> words) {
    return std::any_of(words.begin(), words.end(), [&](auto word) { return name.find(word) != name.npos; });
  };
  if (name.ends_with(".cpp"))
    return "is no test that --as-test wrote: expected a line '// slabproof trace 1' and the program's lines after it";
  if (is_utf16(content)) return "is text in UTF-16: expected UTF-8, and 'slabproof trace 1' in the first line";
  // Files that fuzzers, properties and the explorer keep are bytes, whatever they look like.
  const bool is_kept = (target_named_in(name) || is_named({"property-", "explorer-"})) && !is_named_as_text(name);
  if (!name.ends_with(".trace") && (is_kept || !is_written_text(content))) return std::nullopt;
  return "is no trace: " + sentence(parse(content).error) +
         " (a trace begins with the line 'slabproof trace 1', docs/format.md)";
}

std::span<const std::uint8_t> as_bytes(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// The trace in the comment of a test that --as-test wrote; empty when there is none.
std::string trace_in_test(std::string_view test) {
  constexpr std::string_view first = "// slabproof trace ", mark = "// ";
  std::string trace;
  std::size_t at = test.starts_with(first) ? 0 : test.find(std::string{"\n"} + std::string{first});
  if (at == std::string_view::npos) return trace;
  for (at += test[at] == '\n'; test.substr(at).starts_with(mark);) {
    const std::size_t end = std::min(test.find('\n', at), test.size() - 1) + 1;
    trace += test.substr(at + mark.size(), end - at - mark.size());
    at = end;
  }
  return trace;
}

}  // namespace

std::string sentence(const ParseError& error) {
  return "line " + std::to_string(error.line) + ", column " + std::to_string(error.column) + ": expected " +
         error.expected;
}

std::optional<std::string> read_file(const std::string& file, std::size_t largest, std::string& why) {
  struct stat status{};
  if (stat(file.c_str(), &status) != 0) return why = std::strerror(errno), std::nullopt;
  if (S_ISDIR(status.st_mode)) return why = "is a directory; name the files in it", std::nullopt;
  std::ifstream in{file, std::ios::binary};
  if (!in.is_open()) return why = std::strerror(errno), std::nullopt;
  // A pipe has no known size.
  std::string bytes;
  char piece[1 << 14];
  while (bytes.size() <= largest && (in.read(piece, sizeof piece), in.gcount() > 0))
    bytes.append(piece, static_cast<std::size_t>(in.gcount()));
  if (in.bad()) return why = "cannot be read", std::nullopt;
  if (bytes.size() > largest) return why = "is larger than " + std::to_string(largest) + " bytes", std::nullopt;
  return bytes;
}

std::optional<Input> read_input(const std::string& file, std::string& why) {
  // The text of a program is longer than its bytes; a longer text is no program.
  auto content = read_file(file, 8 * Limits::max_file_size, why);
  if (!content) return std::nullopt;
  Input input;
  const std::string_view name = name_of(file);
  const FuzzTarget* const target = target_named_in(name);
  if (target && target->replayed_by == hosted_tool && tested_subject().language.shape == Shape::SlabCache)
    return why = "is a program for <slab/hosted/>, which " + std::string{hosted_tool} + " runs", std::nullopt;
  input.kind = target ? target->input : Input::Kind::Program;
  if (input.kind == Input::Kind::Geometry) {
    input.geometry = decode_geometry(as_bytes(*content));
    return input;
  }
  if (input.kind == Input::Kind::Text) {
    input.text = *std::move(content);
    return input;
  }
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  if (content->starts_with(byte_order_mark)) content->erase(0, byte_order_mark.size());
  const std::string trace = begins_as_trace(*content) ? *content : trace_in_test(*content);
  if (!trace.empty()) {
    ParseResult parsed = parse(trace);
    if (!parsed.program) return why = sentence(parsed.error), std::nullopt;
    input.program = *std::move(parsed.program);
    if (why = why_not_in(tested_subject().language, input.program); !why.empty()) return std::nullopt;
    return input;
  }
  if (const auto reason = why_no_program(name, *content)) return why = *reason, std::nullopt;
  if (content->size() > Limits::max_file_size)
    return why = "is larger than " + std::to_string(Limits::max_file_size) + " bytes", std::nullopt;
  input.program = decode(as_bytes(*content), tested_subject().language);
  return input;
}

IsolatedRun judge_isolated(Runner& runner, const Input& input, const IsolationOptions& options) {
  switch (input.kind) {
    case Input::Kind::Program: break;
    case Input::Kind::Geometry: return judge_isolated(input.geometry, slab::Geometry::make, options);
    case Input::Kind::Text: return judge_isolated(std::string_view{input.text}, options);
  }
  return run_isolated(runner, input.program, options);
}

}  // namespace slabproof
