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

/// The contents of a corpus or crash file.
struct Input {
  using Kind = InputKind;

  Kind kind = Kind::Program;
  Program program;         // of Program
  GeometryQuery geometry;  // of Geometry
  std::string text;        // of Text: any text, for the parser
};

/// What is in a file, or nothing and in `why` the reason.
std::optional<Input> read_input(const std::string& file, std::string& why);

/// The bytes of a file of at most `largest` bytes, or nothing and in `why` the reason.
std::optional<std::string> read_file(const std::string& file, std::size_t largest, std::string& why);

std::string sentence(const ParseError& error);

/// Judges an input in a child process of its own.
IsolatedRun judge_isolated(Runner& runner, const Input& input, const IsolationOptions& options = {});

}  // namespace slabproof
