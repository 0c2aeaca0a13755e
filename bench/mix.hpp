#pragma once

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <string>
#include <vector>

namespace bench {

/// How often a program asked malloc for which size with which lifetime, as bench/mixes/record.py has written it down.
struct Mix {
  /// Requests of one size. Lifetimes are in requests: of bucket 0 it is 0, of bucket n from 2^(n-1) to 2^n - 1.
  struct Size {
    std::size_t size;                  ///< in bytes, at least 1
    std::size_t without_end;           ///< never freed
    std::vector<std::size_t> buckets;  ///< how many there were of each lifetime
  };
  std::vector<Size> sizes;
  std::size_t requests = 0;  ///< of all sizes
};

/// The mix of a .mix file. std::runtime_error says why there is none.
[[nodiscard]] Mix read_mix(const std::string& path);

/// A request, or the free of an object.
struct Step {
  std::uint32_t slot : 31;  ///< where the pointer is kept
  std::uint32_t is_request : 1;
  std::uint32_t size;
};

/// Memory straight from the system, so that a script leaves the malloc that is measured as it was.
[[nodiscard]] std::pmr::memory_resource& mapped();

/// What a program asks for and frees, from an empty heap to an empty heap: each object once, and at most one in a slot.
struct Script {
  std::pmr::vector<Step> steps{&mapped()};
  std::size_t slots = 0;
  std::size_t most_bytes = 0;  ///< asked for and not freed, at the fullest
  [[nodiscard]] std::size_t pairs() const noexcept { return steps.size() / 2; }
};

/// `requests` of the mix, sizes and lifetimes drawn together and each request for itself, always the same ones. What is
/// not freed within the script is freed at its end.
[[nodiscard]] Script script_of(const Mix& mix, std::size_t requests);

/// The first `requests` of a recording of bench/mixes/recorder.cpp, in their own order.
[[nodiscard]] Script script_of_recording(const std::string& path, std::size_t requests);

}  // namespace bench
