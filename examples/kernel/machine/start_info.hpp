#pragma once

#include <cstddef>
#include <cstdint>

namespace kernel {

/// What PVH hands over (xen/include/public/arch-x86/hvm/start_info.h), by physical addresses. Packed, because a
/// firmware need not align it.
struct [[gnu::packed]] StartInfo {
  static constexpr std::uint32_t right_magic = 0x336ec578;

  struct [[gnu::packed]] Module {  // such as an initrd
    std::uint64_t begin, size, command_line, reserved;
  };
  struct [[gnu::packed]] Memory {
    static constexpr std::uint32_t usable = 1;
    std::uint64_t begin, size;
    std::uint32_t type, reserved;
  };

  std::uint32_t magic, version, flags, module_count;
  std::uint64_t modules, command_line, rsdp, memory_map;  // the last one from version 1 on
  std::uint32_t memory_count, reserved;
};

/// The words of the command line: "name" or "name=value".
class CommandLine {
 public:
  /// Copies it: its memory is to be used for something else.
  void read(const char* text) noexcept;
  /// What follows the name and "=", up to the next blank; empty for a word without; null where the name is not there.
  [[nodiscard]] const char* value_of(const char* name) const noexcept;
  [[nodiscard]] bool has(const char* name, const char* value) const noexcept;

 private:
  char text_[256] = {};
};

/// The number at the beginning of a text.
std::uint64_t number_in(const char* text) noexcept;

}  // namespace kernel
