#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slabproof {

/// What the bytes of an input are: those of a program, five numbers for Geometry::make, or any text.
enum class InputKind : std::uint8_t { Program, Geometry, Text };
const char* to_string(InputKind kind);

/// Inputs that one process runs one after another: what a failure needs that comes from what the process has done
/// before. The file is one line, and then input after input:
///
///     slabproof chain 1 KIND        KIND is program, geometry or text
///     u32 times, u32 size, bytes    little-endian; the bytes are run so many times
///
/// An input of 0 times, or the file's end, is the end. A fuzz target writes its record in this form (RecordFile), so
/// what a process has left behind is a chain as it stands, cut off wherever it died.
struct Chain {
  struct Input {
    std::uint32_t times = 1;
    std::string_view bytes;
  };

  InputKind kind = InputKind::Program;
  std::vector<Input> inputs;

  /// How many inputs are run, each as often as it says.
  [[nodiscard]] std::uint64_t count() const;
};

/// Whether a file's content begins as one of any version does.
[[nodiscard]] bool is_chain(std::string_view content);
/// The first line of a file, with its end.
[[nodiscard]] std::string chain_header(InputKind kind);
/// The inputs point into `content`. Without a chain `why` says what was expected.
[[nodiscard]] std::optional<Chain> parse_chain(std::string_view content, std::string& why);
[[nodiscard]] std::string to_bytes(const Chain& chain);

}  // namespace slabproof
