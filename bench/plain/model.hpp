// What a plain property test and a plain fuzz target share: a vector of the allocator's objects as the model. The file
// with the allocator is included by the compiler's command line.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

struct Step {
  std::uint8_t kind, a, b;
};
struct Live {
  unsigned char* object;
  std::size_t size;
  unsigned char fill;
};

/// Runs the steps; false where something is wrong.
template <class Allocator>
bool runs(const std::vector<Step>& steps) {
  constexpr auto has = Allocator::abilities;
  constexpr std::size_t bytes = 24;
  auto allocator = [] {
    if constexpr (requires { Allocator{slabproof::Objects{}, slabproof::Memory{}}; })
      return Allocator{slabproof::Objects{bytes, 8}, slabproof::Memory{}};
    else if constexpr (requires { Allocator{slabproof::Objects{}}; })
      return Allocator{slabproof::Objects{bytes, 8}};
    else if constexpr (requires { Allocator{slabproof::Memory{}}; })
      return Allocator{slabproof::Memory{}};
    else
      return Allocator{};
  }();
  std::vector<Live> live;
  unsigned char fill = 0;
  const auto is_intact = [](const Live& object) {
    for (std::size_t i = 0; i < object.size; ++i)
      if (object.object[i] != object.fill) return false;
    return true;
  };
  const auto enters = [&](void* object, std::size_t size, std::size_t align) {
    if (!object) return live.size() >= has.capacity && has.capacity != 0;
    live.push_back({static_cast<unsigned char*>(object), size, ++fill});
    std::memset(object, fill, size);
    return reinterpret_cast<std::uintptr_t>(object) % align == 0;
  };
  for (const Step& step : steps) {
    const std::size_t size = 1 + step.a + (step.b & 3) * 256u, at = live.empty() ? 0 : step.a % live.size();
    if (step.kind % 8 < 4) {
      const std::size_t align = std::size_t{1} << step.b % 7;
      if constexpr (has.sizes) {
        void* const object = allocator.allocate(size, align);
        if (object && !enters(object, size, align > has.accepts.max_align ? 1 : align)) return false;
      } else if (!enters(allocator.alloc(), bytes, 8)) {
        return false;
      }
    } else if (live.empty()) {
      continue;
    } else if (step.kind % 8 == 4 && has.resizes) {
      if constexpr (has.resizes) {
        Live old = live[at];
        auto* const object = static_cast<unsigned char*>(allocator.reallocate(old.object, size));
        if (!object) continue;
        live[at] = {object, old.size < size ? old.size : size, old.fill};
        if (!is_intact(live[at])) return false;
        live[at].size = size;
        std::memset(object, old.fill, size);
      }
    } else if (step.kind % 8 == 5 && has.zeroed) {
      if constexpr (has.zeroed) {
        const std::size_t count = step.b % 8 == 7 ? ~std::size_t{0} / size + 1 : step.b % 8;
        void* const object = allocator.allocate_zeroed(count, size);
        if (object && count > 8) return false;
        if (object && !enters(object, count * size, 1)) return false;
      }
    } else {
      if (!is_intact(live[at])) return false;
      allocator.free(live[at].object);
      live.erase(live.begin() + static_cast<std::ptrdiff_t>(at));
    }
  }
  for (const Live& object : live) {
    if (!is_intact(object)) return false;
    allocator.free(object.object);
  }
  return true;
}
