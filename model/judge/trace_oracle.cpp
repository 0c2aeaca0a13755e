#include "model/judge/trace_oracle.hpp"

#include <algorithm>
#include <string>

#include "model/program/codec.hpp"

namespace slabproof {
namespace {

/// The characters of a line, counted from 1; nothing if the text has no such line.
std::optional<std::size_t> length_of_line(std::string_view text, std::size_t line) {
  for (; line > 1; --line) {
    const std::size_t line_end = text.find('\n');
    if (line_end == std::string_view::npos) return std::nullopt;
    text.remove_prefix(line_end + 1);
  }
  return std::min(text.find('\n'), text.size());
}

std::string place(const ParseError& error) { return std::to_string(error.line) + ":" + std::to_string(error.column); }

}  // namespace

std::optional<Violation> judge_trace(std::string_view text, Parse parse) {
  const ParseResult parsed = parse(text);
  if (!parsed.program) {
    const ParseError& error = parsed.error;
    const auto length = error.line == 0 ? std::nullopt : length_of_line(text, error.line);
    if (!length || error.column == 0 || error.column > *length + 1)
      return Violation{Invariant::T1, Cause::NoPlace, "a place within the text", place(error)};
    if (error.expected.empty())
      return Violation{Invariant::T1, Cause::NothingExpected, "a word for what was expected at " + place(error),
                       "none"};
    return std::nullopt;
  }
  const Program& program = *parsed.program;
  const ParseResult again = parse(to_text(program));
  if (!again.program)
    return Violation{Invariant::T2, Cause::TextRefused, "the program's text read again",
                     "refused at " + place(again.error) + ": " + again.error.expected};
  if (*again.program != program)
    return Violation{Invariant::T2, Cause::OtherProgram, "the same program from its text", "another one"};
  const Program normal = normalised(program);
  const std::vector<std::uint8_t> bytes = encode(program);
  if (decode(bytes) != normal)
    return Violation{Invariant::T3, Cause::OtherProgram, "the same program from its bytes", "another one"};
  if (encode(normal) != bytes)
    return Violation{Invariant::T3, Cause::OtherBytes, "the same bytes from what they say", "others"};
  return std::nullopt;
}

}  // namespace slabproof
