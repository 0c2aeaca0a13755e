#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "fuzz/chain/chain.hpp"
#include "model/judge/geometry_oracle.hpp"
#include "model/process/isolated.hpp"
#include "model/program/program.hpp"
#include "model/program/trace.hpp"

namespace slabproof {

/// What a corpus or crash file says.
struct Input {
  using Kind = InputKind;

  Kind kind = Kind::Program;
  Program program;         // of Program
  GeometryQuery geometry;  // of Geometry
  std::string text;        // of Text: any text, for the parser
};

/// What is in a file, or in `why` the reason why it cannot be told.
std::optional<Input> read_input(const std::string& file, std::string& why);

/// The bytes of a file of at most `largest` bytes, or in `why` the reason why there are none.
std::optional<std::string> read_file(const std::string& file, std::size_t largest, std::string& why);

std::string sentence(const ParseError& error);

/// Judges an input in a child process of its own.
IsolatedRun judge_isolated(Runner& runner, const Input& input, const IsolationOptions& options = {});

}  // namespace slabproof
