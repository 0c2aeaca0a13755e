#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slabproof {

/// What the bytes of an input are: a program, five numbers for Geometry::make, or any text.
enum class InputKind : std::uint8_t { Program, Geometry, Text };
const char* to_string(InputKind kind);

/// Inputs that one process runs one after another, for failures that depend on what the process did before. The file is
/// one line, followed by the inputs:
///
///     slabproof chain 1 KIND        KIND is program, geometry or text
///     u32 times, u32 size, bytes    little-endian; the bytes are run so many times
///
/// An input that is run 0 times, or the end of the file, ends it. A fuzz target writes its record in this form
/// (RecordFile), so the record of a process that died is a chain that ends there.
struct Chain {
  struct Input {
    std::uint32_t times = 1;
    std::string_view bytes;
  };

  InputKind kind = InputKind::Program;
  std::vector<Input> inputs;

  /// The number of runs: each input counts as often as it is run.
  [[nodiscard]] std::uint64_t count() const;
};

/// Whether a file's content begins like a chain of any version.
[[nodiscard]] bool is_chain(std::string_view content);
/// The first line of a file, with its end.
[[nodiscard]] std::string chain_header(InputKind kind);
/// The inputs point into `content`. Without a chain `why` says what was expected.
[[nodiscard]] std::optional<Chain> parse_chain(std::string_view content, std::string& why);
[[nodiscard]] std::string to_bytes(const Chain& chain);

}  // namespace slabproof
