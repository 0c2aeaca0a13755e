#include "fuzz/input.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "fuzz/as_test.hpp"
#include "model/encoder.hpp"

namespace slabproof {
namespace {

enum class Form : std::uint8_t { Bytes, Trace, Test, AnyText, GeometryNumbers };

/// What is in a file: its name and its folder's say so.
Form form_of(const std::string& file) {
  const std::size_t slash = file.find_last_of('/');
  const std::size_t folder =
      slash == std::string::npos || slash == 0 ? std::string::npos : file.find_last_of('/', slash - 1);
  const std::string_view name = std::string_view{file}.substr(folder == std::string::npos ? 0 : folder + 1);
  if (name.find("fuzz_geometry") != std::string_view::npos) return Form::GeometryNumbers;
  if (name.find("fuzz_trace") != std::string_view::npos) return Form::AnyText;
  if (name.ends_with(".cpp")) return Form::Test;
  return name.ends_with(".trace") ? Form::Trace : Form::Bytes;
}

std::span<const std::uint8_t> as_bytes(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
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
  // A pipe has no size to go by.
  std::string bytes;
  char piece[1 << 14];
  while (bytes.size() <= largest && (in.read(piece, sizeof piece), in.gcount() > 0))
    bytes.append(piece, static_cast<std::size_t>(in.gcount()));
  if (in.bad()) return why = "cannot be read", std::nullopt;
  if (bytes.size() > largest) return why = "is larger than " + std::to_string(largest) + " bytes", std::nullopt;
  return bytes;
}

std::optional<Input> read_input(const std::string& file, std::string& why) {
  const Form form = form_of(file);
  // A text of a program is longer than its bytes; beyond this it is no program.
  const auto content = read_file(file, form == Form::Bytes ? Limits::max_file_size : 8 * Limits::max_file_size, why);
  if (!content) return std::nullopt;
  Input input;
  if (form == Form::GeometryNumbers) {
    input.kind = Input::Kind::Geometry;
    input.geometry = decode_geometry(as_bytes(*content));
  } else if (form == Form::AnyText) {
    input.kind = Input::Kind::Text;
    input.text = *content;
  } else if (form == Form::Bytes) {
    input.program = decode(as_bytes(*content));
  } else {
    ParseResult parsed = parse(form == Form::Test ? trace_in_test(*content) : *content);
    if (!parsed.program) return why = sentence(parsed.error), std::nullopt;
    input.program = *std::move(parsed.program);
  }
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
