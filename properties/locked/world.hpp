#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <slab/cache.hpp>
#include <slab/geometry.hpp>
#include <slab/locked.hpp>

#include "properties/locked/turns.hpp"

namespace turns {

enum class Op : std::uint8_t { Alloc, AllocNoGrow, Free, FreeDeferred, Shrink, Reserve };
inline constexpr const char* names_of_ops[] = {"alloc", "alloc_no_grow", "free", "free_deferred", "shrink", "reserve"};
inline constexpr std::size_t reserved_objects = 3;

/// What each CPU does, with so many objects allocated before, of which so many were freed by free_deferred(); and which
/// call of the backend that may fail does so, from 1 on, and whether all after it do.
struct TurnProgram {
  std::vector<std::vector<Op>> cpus;
  std::size_t before = 0, deferred = 0;
  std::uint32_t refused = 0;
  bool are_all_refused = false;
  bool takes_turns_at_calls = false;
};

/// What a run is judged by. The first that does not hold is kept.
struct Judge {
  Cpus* cpus = nullptr;
  std::optional<std::string> violation;
  std::uint8_t holder = Cpus::none;  // of the lock
  bool is_free = true;  // the lock
  bool is_run = false;
  bool takes_turns_at_calls = false;  // of the backend, besides those of the lock
  static inline Judge* now = nullptr;

  void require(bool holds, const char* what) {
    if (!holds && !violation) violation = what;
  }
  /// Of a call of the backend that makes a slab or takes one back: the lock is not held, and others may come first.
  void begin_unlocked(const char* what) {
    require(is_free || holder != cpus->current(), what);
    if (takes_turns_at_calls) cpus->turn();
  }
  void begin_locked(const char* what) { require(!is_run || (!is_free && holder == cpus->current()), what); }
};

/// A lock that sees who holds it. From where it is taken to where it is taken next, a CPU changes nothing that another
/// one could see, but by calls of the backend that it is not held for: taking turns at these two places leaves no order
/// out. Of two such calls the order is seen by which slab is whose, and no more.
class TurnLock {
 public:
  void lock() noexcept {
    Judge& judge = *Judge::now;
    judge.require(judge.is_free || judge.holder != judge.cpus->current(), "the lock is taken once");
    judge.cpus->turn();
    while (!judge.is_free) judge.cpus->turn_until(judge.is_free);
    judge.is_free = false;
    judge.holder = judge.cpus->current();
  }
  void unlock() noexcept {
    Judge& judge = *Judge::now;
    judge.require(!judge.is_free && judge.holder == judge.cpus->current(), "the lock is released by who holds it");
    judge.is_free = true;
  }
};

/// Slabs and SlabInfos from a few fixed places, and a map of their pages.
class TurnBackend {
 public:
  static constexpr std::size_t slabs = 8, most_slab_size = 256, least_page_size = 64;

  explicit TurnBackend(const TurnProgram& program) : program_{program} {}

  void* alloc_slab(std::size_t slab_size, std::size_t) noexcept {
    Judge::now->begin_unlocked("no lock is held while a slab is made");
    if (is_refused()) return nullptr;
    for (std::size_t i = 0; i < slabs; ++i)
      if (!is_made_[i]) {
        is_made_[i] = true;
        std::memset(memory_[i], 0xA5, slab_size);
        return memory_[i];
      }
    return nullptr;
  }
  void free_slab(void* slab, std::size_t slab_size, std::size_t) noexcept {
    Judge::now->begin_unlocked("no lock is held while a slab is taken back");
    const std::size_t i = index_of(slab);
    Judge::now->require(i < slabs && is_made_[i], "only a slab that was made is given back, once");
    if (i >= slabs) return;
    for (std::size_t offset = 0; offset < slab_size; offset += least_page_size)
      Judge::now->require(map_[page_of(address(slab) + offset)] == nullptr, "a slab has left the map before it goes");
    for (const auto& [object, size] : live)
      Judge::now->require(object + size <= address(slab) || object >= address(slab) + slab_size,
                          "no slab with a live object goes");
    is_made_[i] = false;
    std::memset(slab, 0x5A, slab_size);
    ++given_back[cpu()];
  }
  void* alloc_slab_info(std::size_t) noexcept {
    Judge::now->begin_unlocked("no lock is held while a SlabInfo is made");
    if (is_refused()) return nullptr;
    for (std::size_t i = 0; i < slabs; ++i)
      if (!is_info_made_[i]) return is_info_made_[i] = true, infos_[i];
    return nullptr;
  }
  void free_slab_info(void* info, std::size_t size) noexcept {
    Judge::now->begin_unlocked("no lock is held while a SlabInfo is taken back");
    const std::size_t i = (address(info) - address(infos_)) / sizeof infos_[0];
    Judge::now->require(i < slabs && is_info_made_[i], "only a SlabInfo that was made is given back, once");
    if (i >= slabs) return;
    is_info_made_[i] = false;
    std::memset(info, 0x5A, size);
  }
  bool save_slab_info(std::uintptr_t page, slab::SlabInfo* info) noexcept {
    Judge::now->begin_locked("the lock is held while the map is changed");
    if (is_refused()) return false;
    map_[page_of(page)] = info;
    return true;
  }
  slab::SlabInfo* get_slab_info(std::uintptr_t page) noexcept {
    Judge::now->begin_locked("the lock is held while the map is asked");
    return page - address(memory_) < sizeof memory_ ? map_[page_of(page)] : nullptr;
  }
  void delete_slab_info(std::uintptr_t page) noexcept {
    Judge::now->begin_locked("the lock is held while the map is changed");
    map_[page_of(page)] = nullptr;
  }

  [[nodiscard]] bool has_all_back() const {
    return std::none_of(is_made_.begin(), is_made_.end(), [](bool is) { return is; }) &&
           std::none_of(is_info_made_.begin(), is_info_made_.end(), [](bool is) { return is; }) &&
           std::none_of(std::begin(map_), std::end(map_), [](const slab::SlabInfo* info) { return info; });
  }
  /// Calls that may fail, so far.
  [[nodiscard]] std::uint32_t calls() const { return calls_; }

  std::map<std::uintptr_t, std::size_t> live;  // objects and their sizes
  std::array<bool, Cpus::most + 1> was_refused{};  // of each CPU's operation
  std::array<std::size_t, Cpus::most + 1> given_back{};

 private:
  [[nodiscard]] static std::uintptr_t address(const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer); }
  [[nodiscard]] std::size_t index_of(const void* slab) const {
    return (address(slab) - address(memory_)) / sizeof memory_[0];
  }
  [[nodiscard]] std::size_t page_of(std::uintptr_t page) const { return (page - address(memory_)) / least_page_size; }
  [[nodiscard]] static std::size_t cpu() { return std::min(Judge::now->cpus->current(), Cpus::most); }
  [[nodiscard]] bool is_refused() {
    if (!Judge::now->is_run) return false;
    ++calls_;
    const bool is =
        calls_ == program_.refused || (program_.are_all_refused && program_.refused && calls_ > program_.refused);
    if (is) was_refused[cpu()] = true;
    return is;
  }

  const TurnProgram& program_;
  std::uint32_t calls_ = 0;
  alignas(most_slab_size) std::byte memory_[slabs][most_slab_size];
  alignas(8) std::byte infos_[slabs][128];
  std::array<bool, slabs> is_made_{}, is_info_made_{};
  slab::SlabInfo* map_[slabs * most_slab_size / least_page_size] = {};
};

/// No misuse is in any program.
template <bool Checks, std::size_t Kept>
struct TurnPolicy : slab::Checked {
  static constexpr bool checks = Checks;
  static constexpr std::size_t empty_slabs_kept = Kept;
  static void on_misuse(const slab::MisuseReport&) noexcept { Judge::now->require(false, "nothing is reported"); }
};

/// One run of a program.
template <slab::Row R, bool Checks, std::size_t Kept>
class TurnWorld {
  using Policy = TurnPolicy<Checks, Kept>;
  using Cache = slab::Locked<slab::DynamicCache<R, TurnBackend, Policy>, TurnLock>;

 public:
  TurnWorld(Cpus& cpus, const TurnProgram& program) : program_{program}, backend_{program} {
    judge_.cpus = &cpus;
    judge_.takes_turns_at_calls = program.takes_turns_at_calls;
    Judge::now = &judge_;
  }

  /// What did not hold; nothing where all did. `calls` are the backend's that might have failed.
  std::optional<std::string> run(Order& order, std::uint32_t& calls) {
    for (std::size_t i = 0; i < program_.before; ++i) alloc(Op::Alloc);
    for (std::size_t i = 0; i < program_.deferred; ++i) free(Op::FreeDeferred);
    judge_.is_run = true;
    const std::function<void(std::uint8_t)> run = [this](std::uint8_t cpu) {
      for (const Op op : program_.cpus[cpu]) execute(op, cpu);
    };
    const bool is_over = judge_.cpus->run(static_cast<std::uint8_t>(program_.cpus.size()), run, order);
    judge_.require(is_over, "no CPU waits for ever");
    calls = backend_.calls();
    judge_.is_run = false;
    if (!judge_.violation) end();
    if (judge_.violation) static_cast<void>(cache_.release());  // in any state; nobody destroys it
    return judge_.violation;
  }

 private:
  static constexpr std::size_t object_size = 24;
  static slab::Geometry geometry() {
    constexpr bool is_large = R == slab::Row::Large;
    return slab::Geometry::make<Policy>(128, R == slab::Row::SmallSinglePage ? 128 : 64,
                                        is_large ? slab::ObjectSizeType::Large : slab::ObjectSizeType::Small,
                                        is_large ? 64 : object_size, 8)
        .value();
  }
  [[nodiscard]] std::size_t size() const { return cache_->geometry().object_size(); }

  void alloc(Op op) {
    const std::size_t cpu = std::min(judge_.cpus->current(), Cpus::most);
    void* const object = op == Op::Alloc ? cache_->alloc() : cache_->alloc_no_grow();
    if (!object) return judge_.require(op == Op::AllocNoGrow || backend_.was_refused[cpu], "null only when refused");
    const auto at = reinterpret_cast<std::uintptr_t>(object);
    for (const auto& [other, bytes] : backend_.live)
      judge_.require(at + size() <= other || other + bytes <= at, "no object overlaps another");
    backend_.live[at] = size();
    std::memset(object, static_cast<int>(at >> 3 & 0xFF), size());
  }
  void free(Op op) {
    if (backend_.live.empty()) return;
    const auto [at, bytes] = *backend_.live.begin();
    auto* const object = reinterpret_cast<unsigned char*>(at);
    for (std::size_t i = 0; i < bytes; ++i)
      judge_.require(object[i] == (at >> 3 & 0xFF), "objects keep their contents");
    backend_.live.erase(backend_.live.begin());
    op == Op::Free ? cache_->free(object) : cache_->free_deferred(object);
  }
  void execute(Op op, std::uint8_t cpu) {
    backend_.was_refused[cpu] = false;
    backend_.given_back[cpu] = 0;
    switch (op) {
      case Op::Alloc:
      case Op::AllocNoGrow: return alloc(op);
      case Op::Free:
      case Op::FreeDeferred: return free(op);
      case Op::Reserve:
        if (!cache_->reserve(reserved_objects))
          judge_.require(backend_.was_refused[cpu], "reserve fails only when refused");
        return;
      case Op::Shrink:
        return judge_.require(cache_->shrink() == backend_.given_back[cpu], "shrink says how many slabs it gave back");
    }
  }
  void end() {
    const slab::CacheStatistics found = cache_->statistics();
    judge_.require(cache_->audit(), "audit() holds in the end");
    judge_.require(found.allocated_objects == backend_.live.size(), "statistics count the live objects");
    bool is_deferred = program_.deferred != 0, is_reserved = false;
    for (const auto& ops : program_.cpus)
      for (const Op op : ops) is_deferred |= op == Op::FreeDeferred, is_reserved |= op == Op::Reserve;
    const std::size_t kept = is_reserved ? reserved_objects : Kept;
    judge_.require(is_deferred || found.empty_slabs <= kept, "no more empty slabs stay than may");
    while (!backend_.live.empty()) {
      free(Op::Free);
      judge_.require(is_reserved || cache_->statistics().empty_slabs <= Kept, "a free gives back what others left");
    }
    cache_->shrink();
    judge_.require(backend_.has_all_back(), "all is given back");
    if (!judge_.violation) cache_.reset();
  }

  const TurnProgram& program_;
  Judge judge_;
  TurnBackend backend_;
  std::unique_ptr<Cache> cache_ = std::make_unique<Cache>(geometry(), backend_);
};

}  // namespace turns
