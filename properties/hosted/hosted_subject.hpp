#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory_resource>
#include <new>
#include <optional>
#include <type_traits>

#include <slab/cache.hpp>
#include <slab/hosted/memory_resource.hpp>
#include <slab/misuse.hpp>
#include <slab/policy.hpp>

#include "properties/hosted/judged_backend.hpp"

namespace slabproof::hosted {

/// Checked, and tells the subject that is called.
struct Told : slab::Checked {
  static inline std::optional<slab::Misuse> last;
  static inline std::size_t count = 0;
  static void on_misuse(const slab::MisuseReport& report) noexcept {
    last = report.kind;
    ++count;
  }
};

/// A MemoryResource, each of whose answers is judged: R7. A quarter of the blocks come back with a wrong size first.
template <class Slabs>
class JudgedResource {
 public:
  JudgedResource(Slabs& slabs, SimulatedMemory& memory)
      : upstream_{memory}, resource_{slabs, &upstream_}, slabs_{slabs} {}

  void* allocate(std::size_t size, std::size_t align) {
    const std::size_t calls = upstream_.calls();
    void* block = nullptr;
    try {
      block = resource_.allocate(size, align);
    } catch (const std::bad_alloc&) {}
    const bool is_small = size <= 4096 && align <= 4096;
    require(upstream_.calls() == calls + !is_small);
    if (block) require(slabs_.contains(block) == is_small);
    if (block) asked_.insert_or_assign(block, Asked{size, align});
    return block;
  }
  void free(void* block) {
    const Asked asked = asked_.extract(block).mapped();
    const bool is_small = asked.size <= 4096;
    if (asked.size % 4 == 1) free_wrongly(block, asked, is_small);
    const std::size_t calls = upstream_.calls(), reports = Told::count;
    resource_.deallocate(block, asked.size, asked.align);
    require(upstream_.calls() == calls + !is_small && Told::count == reports);
  }
  [[nodiscard]] std::size_t size_of(const void* block) const { return asked_.at(const_cast<void*>(block)).size; }
  std::size_t shrink() { return resource_.shrink(); }

 private:
  struct Asked {
    std::size_t size, align;
  };
  /// Memory of the harness, and what was asked of it.
  class Upstream final : public std::pmr::memory_resource {
   public:
    explicit Upstream(SimulatedMemory& memory) : memory_{memory} {}
    [[nodiscard]] std::size_t calls() const { return calls_; }

   private:
    void* do_allocate(std::size_t size, std::size_t align) override {
      ++calls_;
      // Of whole words, as most heaps: the judge looks at them by words.
      void* const block = memory_.take(size, std::max<std::size_t>(align, 8));
      if (!block) throw std::bad_alloc{};
      blocks_.insert_or_assign(block, Asked{size, align});
      return block;
    }
    void do_deallocate(void* block, std::size_t size, std::size_t align) override {
      ++calls_;
      const auto node = blocks_.extract(block);
      if (node.empty() || node.mapped().size != size || node.mapped().align != align)
        return memory_.note(Invariant::R7);
      memory_.give(block);
    }
    bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }

    SimulatedMemory& memory_;
    std::map<void*, Asked> blocks_;
    std::size_t calls_ = 0;
  };

  static void require(bool holds) { Simulated::memory->require(holds, Invariant::R7); }

  /// With a size of another class or of the other origin: told once, and the block stays.
  void free_wrongly(void* block, const Asked& asked, bool is_small) {
    using enum slab::Misuse;
    tell(block, is_small ? 5000 + asked.size : 1 + asked.size % 4096, 1, is_small ? OtherCache : ForeignPointer);
    if (is_small) tell(block, asked.size, 8192, OtherCache);
    if (is_small) tell(block, asked.size > 2048 ? 8 : 4096, 1, OtherCache);
  }
  void tell(void* block, std::size_t size, std::size_t align, slab::Misuse kind) {
    const std::size_t calls = upstream_.calls(), reports = Told::count;
    Told::last.reset();
    resource_.deallocate(block, size, align);
    require(Told::count == reports + 1 && Told::last == kind && upstream_.calls() == calls);
  }

  Upstream upstream_;
  slab::hosted::MemoryResource<Slabs, Told> resource_;
  Slabs& slabs_;
  std::map<void*, Asked> asked_;
};

/// Nothing, where there is no room for it.
struct NoResource {
  template <class... Args>
  explicit NoResource(Args&...) {}
};

/// slab::hosted as one heap: a Backend on a system that refuses, and on it slabs, SlabInfos and a cache of each row; of
/// 256 pages and more also a Large cache whose SlabInfos have slabs to themselves, and a MemoryResource. Size and
/// alignment say which serves.
template <std::size_t Pages>
class HostedSubject {
  static constexpr bool has_all = Pages >= 256;
  using Backend = JudgedBackend<Pages, has_all ? 1200 : 16>;
  using Single = slab::DynamicCache<slab::Row::SmallSinglePage, Backend, Told>;
  using Multi = slab::DynamicCache<slab::Row::SmallMultiPage, Backend, Told>;
  using Large = slab::DynamicCache<slab::Row::Large, Backend, Told>;
  using Resource = std::conditional_t<has_all, JudgedResource<Backend>, NoResource>;

  // Objects, so that their padding is the same each time: what is compared are bytes.
  static constexpr slab::Geometry single_geometry =
      slab::Geometry::make(4096, 4096, slab::ObjectSizeType::Small, 200, 8).value();
  static constexpr slab::Geometry multi_geometry =
      slab::Geometry::make(8192, 4096, slab::ObjectSizeType::Small, 1000, 8).value();
  static constexpr slab::Geometry large_geometry =
      slab::Geometry::make(4096, 4096, slab::ObjectSizeType::Large, 1024, 8).value();
  static constexpr slab::Geometry tiny_geometry =  // SlabInfos of more than 4032 bytes
      slab::Geometry::make(65536, 4096, slab::ObjectSizeType::Large, 16, 8).value();

 public:
  static constexpr Abilities abilities{
      .sizes = true,
      .zeroed = has_all,  // else each world of the explorer would have runs of all its sizes
      .usable_size = true,
      .sized_free = true,
      .accepts = {.most = has_all ? 262'144 : 16'384, .max_align = 4096},
      .takes_memory = true,
      .memory = has_all ? std::size_t{512} << 20 : Arena::slab_region,  // some do not reuse it
      .capacity = 1,
      .may_fail_to_construct = true,
      .trims = true,
      .audit = true,
  };

  explicit HostedSubject(Memory memory) : memory_{memory}, backend_{entered()}, resource_{backend_, memory_} {
    const bool is_refused = backend_.error() == slab::hosted::RegionError::NotMapped;
    const bool has_room = backend_.error() == slab::hosted::RegionError::None;
    memory_.require(memory_.is_refused() ? is_refused : has_room, Invariant::R8);
    same_bytes(single_, single_geometry);
    same_bytes(multi_, multi_geometry);
    same_bytes(large_, large_geometry);
    same_bytes(tiny_, tiny_geometry);
    if (has_room) return;
    backend_.check();
    memory_.require(!backend_.alloc_slab_info(64) && !single_.alloc() && !multi_.alloc() && !large_.alloc() &&
                        backend_.trim() == 0 && !backend_.save_slab_info(4096, nullptr),
                    Invariant::R8);
    if (memory_.failed() == Invariant::None) throw std::bad_alloc{};
  }
  HostedSubject(const HostedSubject&) = delete;
  HostedSubject& operator=(const HostedSubject&) = delete;
  ~HostedSubject() { enter(); }

  void* allocate(std::size_t size, std::size_t align) {
    const Call call{*this};
    void* object = serve(size, align);
    if (!object && is_sound()) {
      give_back();
      object = serve(size, align);
    }
    if (!is_sound()) last_size_ = size;
    return object;
  }
  /// Whole pages, of any number: where there are few pages in all, allocate() does that.
  void* allocate_zeroed(std::size_t count, std::size_t size) {
    std::size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > slab::Geometry::max_slab_size) return nullptr;
    const Call call{*this};
    const auto take = [&] { return from(Owner::Run, [&] { return backend_.alloc_slab(whole_pages(bytes), 4096); }); };
    void* run = take();
    if (!run && is_sound()) {
      give_back();
      run = take();
    }
    if (!is_sound()) return last_size_ = bytes, run;
    return run ? std::memset(run, 0, bytes) : nullptr;
  }
  void free(void* object, std::size_t size) {
    const Call call{*this};
    if (!is_sound()) return;  // audit() tells what is wrong before anything dies of it
    if (const std::size_t info = backend_.info_size(object)) return backend_.free_slab_info(object, info);
    const std::size_t reports = Told::count;
    switch (backend_.owner_of(object)) {
      case Owner::SinglePage: single_.free(object); break;
      case Owner::MultiPage: multi_.free(object); break;
      case Owner::Large: large_.free(object); break;
      case Owner::LargeInfos: tiny_.free(object); break;
      case Owner::Program: backend_.free_slab(object, slab_size_for(size), 4096); break;
      case Owner::Run: backend_.free_slab(object, whole_pages(size), 4096); break;
      default:
        if constexpr (has_all) resource_.free(object);
        return;
    }
    memory_.require(Told::count == reports, Invariant::R5);
  }
  std::size_t usable_size(const void* object) {
    enter();
    if (!is_sound()) return last_size_;  // of the object that it is asked about first
    if (const std::size_t info = backend_.info_size(object)) return info;
    switch (backend_.owner_of(object)) {
      case Owner::SinglePage: return single_.geometry().object_size();
      case Owner::MultiPage: return multi_.geometry().object_size();
      case Owner::Large: return large_.geometry().object_size();
      case Owner::LargeInfos: return tiny_.geometry().object_size();
      case Owner::Program:
      case Owner::Run: return backend_.slab_bytes_at(object);
      default: break;
    }
    if constexpr (has_all) return resource_.size_of(object);
    return 0;
  }
  std::size_t trim() {
    const Call call{*this};
    return is_sound() ? give_back() : 0;
  }
  [[nodiscard]] Invariant audit() const {
    HostedSubject& self = *const_cast<HostedSubject*>(this);  // what is asked changes nothing
    const Call call{self};
    if (is_sound()) self.check();
    return memory_.failed();
  }

 private:
  void* serve(std::size_t size, std::size_t align) {
    if (align == 4096 || (align > 8 && !has_all)) return serve_slab(size);
    if constexpr (has_all)
      if (align > 8 || size % 8 > 4) return from(Owner::Resource, [&] { return resource_.allocate(size, align); });
    switch (size % 8) {
      case 0: return backend_.alloc_slab_info(size);
      case 1:
        if (size <= single_.geometry().object_size()) return from(Owner::SinglePage, [&] { return single_.alloc(); });
        break;
      case 2:
        if (size <= multi_.geometry().object_size()) return from(Owner::MultiPage, [&] { return multi_.alloc(); });
        break;
      case 3:
        if (size <= large_.geometry().object_size()) return from(Owner::Large, [&] { return large_.alloc(); });
        break;
      case 4:
        if (has_all && size <= tiny_.geometry().object_size())
          return from(Owner::LargeInfos, [&] { return tiny_.alloc(); });
        break;
    }
    return serve_slab(size);
  }
  static std::size_t whole_pages(std::size_t bytes) { return (bytes + 4095) / 4096 * 4096; }
  static std::size_t slab_size_for(std::size_t size) {
    return has_all ? std::bit_ceil(std::max<std::size_t>(size, 4096)) : whole_pages(size);
  }
  void* serve_slab(std::size_t size) { return backend_.alloc_slab(slab_size_for(size), 4096); }
  template <class F>
  void* from(Owner owner, F serve) {
    const Owner before = backend_.set_owner(owner);
    const std::size_t refusals = backend_.refusals() + memory_.refusals();
    void* const object = serve();
    backend_.set_owner(before);
    memory_.require(object || backend_.refusals() + memory_.refusals() != refusals, Invariant::R2);
    return object;
  }

  /// Everything that is not needed, to the system. R4: how much that was is what was kept.
  std::size_t give_back() {
    single_.shrink();
    multi_.shrink();
    large_.shrink();
    tiny_.shrink();
    if constexpr (has_all) resource_.shrink();
    return backend_.trim();
  }
  void check() {
    backend_.check();
    backend_.check_room(single_.geometry());
    backend_.check_room(multi_.geometry());
    backend_.check_room(large_.geometry());
    backend_.check_room(tiny_.geometry());
    memory_.require(single_.audit() && multi_.audit() && large_.audit() && tiny_.audit(), Invariant::OfAudit);
  }
  [[nodiscard]] bool is_sound() const { return memory_.failed() == Invariant::None; }
  /// The padding too: a cache has it from a temporary of its constructor, where it is what the stack held.
  template <class Cache>
  static void same_bytes(Cache& cache, const slab::Geometry& geometry) {
    static_assert(std::is_trivially_copyable_v<slab::Geometry>);
    std::memcpy(const_cast<slab::Geometry*>(&cache.geometry()), &geometry, sizeof geometry);
  }
  /// Between two calls nothing is counted: a state is what later calls depend on.
  struct Call {
    explicit Call(HostedSubject& subject) : called{subject} { called.enter(); }
    ~Call() {
      called.backend_.forget_counts();
      called.memory_.forget_counts();
    }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    HostedSubject& called;
  };
  /// What the static functions of Simulated are about.
  void enter() { Simulated::memory = &memory_; }
  /// In a process that makes many, caches are counted from 0 for each: their numbers are part of the state.
  std::nullptr_t entered() {
    enter();
    slab::detail::Incarnation<true>::last = 0;
    return nullptr;
  }

  SimulatedMemory memory_;
  Backend backend_;
  Single single_{single_geometry, backend_};
  Multi multi_{multi_geometry, backend_};
  Large large_{large_geometry, backend_};
  Large tiny_{tiny_geometry, backend_};
  Resource resource_;
  std::size_t last_size_ = 0;
};

}  // namespace slabproof::hosted
