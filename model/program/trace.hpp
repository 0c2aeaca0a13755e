#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "model/program/program.hpp"

namespace slabproof {

/// The text form of programs, docs/format.md. Version of what to_text() writes; parse() reads it and
/// nothing newer.
constexpr unsigned trace_version = 1;

std::string to_text(const Operation& operation);
/// The whole program, a line for the version, each backend, each cache and each operation.
std::string to_text(const Program& program);
std::string to_text(const Setup& setup);

/// Where a text is not a trace, 1-based, and what was expected there.
struct ParseError {
  std::size_t line = 0;
  std::size_t column = 0;
  std::string expected;
};

/// The program that a text says: parse(to_text(p)) == p for every program.
struct ParseResult {
  std::optional<Program> program;
  ParseError error;  // when there is no program
};
ParseResult parse(std::string_view text);

}  // namespace slabproof
