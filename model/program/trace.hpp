#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "model/program/program.hpp"

namespace slabproof {

/// The text form of programs, docs/format.md: the version that to_text() writes and the newest that parse() reads.
constexpr unsigned trace_version = 1;

std::string to_text(const Operation& operation);
/// The whole program, a line for the version, each backend, each cache and each operation.
std::string to_text(const Program& program);
std::string to_text(const Setup& setup);
/// The policy, as a trace names it.
std::string name_of_policy(const CacheSpec& cache);

/// Where a text is not a trace, counted from 1, and what was expected there.
struct ParseError {
  std::size_t line = 0;
  std::size_t column = 0;
  std::string expected;
};

/// The program in a text: parse(to_text(p)) == p for every program.
struct ParseResult {
  std::optional<Program> program;
  ParseError error;  // when there is no program
};
ParseResult parse(std::string_view text);

}  // namespace slabproof
