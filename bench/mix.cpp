#include "bench/mix.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <fstream>
#include <new>
#include <numeric>
#include <random>
#include <sstream>
#include <stdexcept>
#include <unordered_map>
#include <utility>

namespace bench {
namespace {

constexpr std::size_t most_buckets = 40;

class Mapped final : public std::pmr::memory_resource {
  void* do_allocate(std::size_t bytes, std::size_t) override {
    void* const memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc{};
    return memory;
  }
  void do_deallocate(void* memory, std::size_t bytes, std::size_t) override { ::munmap(memory, bytes); }
  [[nodiscard]] bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
    return this == &other;
  }
};

/// Writes a script step by step.
class Writer {
 public:
  explicit Writer(std::size_t requests) { script_.steps.reserve(2 * requests); }  // which takes no memory yet

  std::uint32_t request(std::uint32_t size) {
    std::uint32_t slot = static_cast<std::uint32_t>(script_.slots);
    if (free_slots_.empty()) {
      ++script_.slots;
      sizes_.push_back(size);
    } else {
      slot = free_slots_.back();
      free_slots_.pop_back();
      sizes_[slot] = size;
    }
    script_.steps.push_back({slot & 0x7fff'ffff, 1, size});
    script_.most_bytes = std::max(script_.most_bytes, live_bytes_ += size);
    return slot;
  }
  void free(std::uint32_t slot) {
    script_.steps.push_back({slot & 0x7fff'ffff, 0, sizes_[slot]});
    live_bytes_ -= sizes_[slot];
    free_slots_.push_back(slot);
  }
  Script take() { return std::move(script_); }

 private:
  Script script_;
  std::pmr::vector<std::uint32_t> free_slots_{&mapped()}, sizes_{&mapped()};
  std::size_t live_bytes_ = 0;
};

std::runtime_error wrong(const std::string& path, const std::string& why) {
  return std::runtime_error{path + ": " + why};
}

}  // namespace

std::pmr::memory_resource& mapped() {
  static Mapped memory;
  return memory;
}

Mix read_mix(const std::string& path) {
  std::ifstream file{path};
  std::string line;
  if (!std::getline(file, line) || line != "slabproof mix 1") throw wrong(path, "it is no mix");
  Mix mix;
  while (std::getline(file, line)) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words{line};
    Mix::Size of{};
    char colon = 0;
    if (!(words >> of.size >> colon >> of.without_end) || colon != ':' || of.size == 0 || of.size > UINT32_MAX)
      throw wrong(path, "no size and counts: " + line);
    for (std::size_t count; words >> count;) of.buckets.push_back(count);
    if (!words.eof() || of.buckets.size() > most_buckets) throw wrong(path, "wrong counts: " + line);
    mix.requests += std::accumulate(of.buckets.begin(), of.buckets.end(), of.without_end);
    mix.sizes.push_back(std::move(of));
  }
  if (mix.requests == 0) throw wrong(path, "nothing was asked for");
  return mix;
}

Script script_of(const Mix& mix, std::size_t requests) {
  struct Kind {
    std::uint32_t size;
    std::size_t bucket;  // most_buckets: without end
    std::size_t end;     // the kinds before it and itself have so many requests
  };
  std::vector<Kind> kinds;
  std::size_t sum = 0;
  const auto add = [&](std::size_t size, std::size_t bucket, std::size_t count) {
    if (count > 0) kinds.push_back({static_cast<std::uint32_t>(size), bucket, sum += count});
  };
  for (const Mix::Size& of : mix.sizes) {
    add(of.size, most_buckets, of.without_end);
    for (std::size_t bucket = 0; bucket < of.buckets.size(); ++bucket) add(of.size, bucket, of.buckets[bucket]);
  }
  // Not the distributions of the standard library, which differ between libraries.
  std::mt19937_64 random{1};
  constexpr std::uint32_t none = UINT32_MAX;
  std::pmr::vector<std::uint32_t> last(requests + 1, none, &mapped());  // at each request, a slot that is freed then
  std::pmr::vector<std::uint32_t> before(requests + 1, none, &mapped());  // for each slot, another that is
  Writer writer{requests};
  const auto free_all = [&](std::size_t now) {
    for (std::uint32_t slot = last[now]; slot != none; slot = before[slot]) writer.free(slot);
  };
  for (std::size_t now = 0; now < requests; ++now) {
    const std::size_t drawn = random() % sum;
    const Kind& kind = *std::upper_bound(kinds.begin(), kinds.end(), drawn,
                                         [](std::size_t at, const Kind& of) { return at < of.end; });
    const std::size_t least = kind.bucket == 0 ? 0 : std::size_t{1} << (kind.bucket - 1);
    const std::size_t lifetime = least + (least > 1 ? random() % least : 0);
    const std::size_t end = kind.bucket == most_buckets ? requests : std::min(now + lifetime, requests);
    const std::uint32_t slot = writer.request(kind.size);
    before[slot] = std::exchange(last[end], slot);
    free_all(now);
  }
  free_all(requests);
  return writer.take();
}

Script script_of_recording(const std::string& path, std::size_t requests) {
  struct Event {
    std::uint64_t freed, given, size;
  };
  std::ifstream file{path, std::ios::binary};
  Writer writer{requests};
  std::pmr::monotonic_buffer_resource nodes{std::size_t{1} << 24, &mapped()};
  std::pmr::unordered_map<std::uint64_t, std::uint32_t> slots{&nodes};
  const auto end = [&](std::uint64_t address) {
    const auto found = slots.find(address);
    if (found == slots.end()) return;  // older than the recording
    writer.free(found->second);
    slots.erase(found);
  };
  for (Event event; requests > 0 && file.read(reinterpret_cast<char*>(&event), sizeof event);) {
    end(event.freed);
    if (event.given == 0) continue;
    end(event.given);
    slots[event.given] = writer.request(static_cast<std::uint32_t>(std::max<std::uint64_t>(event.size, 1)));
    --requests;
  }
  std::pmr::vector<std::uint32_t> left{&mapped()};
  for (const auto& [address, slot] : slots) left.push_back(slot);
  std::sort(left.begin(), left.end());
  for (const std::uint32_t slot : left) writer.free(slot);
  Script script = writer.take();
  if (script.steps.empty()) throw wrong(path, "no requests were recorded there");
  return script;
}

}  // namespace bench
