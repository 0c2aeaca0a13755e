// slab::SizeClasses, on pages and a map that are both taken from the harness, and so refused at times. Where no page is
// left the caches give back what they do not need, as a kernel's page allocator would have them do.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <new>
#include <span>

#include <slab/size_classes.hpp>
#include <slab/slab.hpp>

#include <slabproof/subject.hpp>

class SizeClassesSubject {
  struct Counting : slab::Checked {
    static inline std::size_t* count = nullptr;
    static void on_misuse(const slab::MisuseReport&) noexcept { ++*count; }
  };
  class Pages;
  using Heap = slab::SizeClasses<Pages, slab::KernelSizes, Counting>;

  class Pages {
   public:
    explicit Pages(slabproof::Memory memory) : memory_{memory} {}
    void* alloc_slab(std::size_t slab_size, std::size_t page_size) noexcept { return take(slab_size, page_size); }
    void free_slab(void* slab, std::size_t, std::size_t) noexcept { memory_.give(slab); }
    bool save_slab_info(std::uintptr_t page_addr, slab::SlabInfo* info) noexcept {
      Leaf* leaf = leaf_of(page_addr);
      if (!leaf) {
        void* const memory = take(sizeof(Leaf), alignof(Leaf));
        if (!memory) return false;
        leaf = leaves_ = ::new (memory) Leaf{.next = leaves_, .number = page_addr / leaf_bytes};
      }
      ++leaf->used;
      leaf->infos[index_of(page_addr)] = info;
      return true;
    }
    slab::SlabInfo* get_slab_info(std::uintptr_t page_addr) noexcept {
      const Leaf* const leaf = leaf_of(page_addr);
      return leaf ? leaf->infos[index_of(page_addr)] : nullptr;
    }
    void delete_slab_info(std::uintptr_t page_addr) noexcept {
      Leaf* const leaf = leaf_of(page_addr);
      leaf->infos[index_of(page_addr)] = nullptr;
      if (--leaf->used != 0) return;
      Leaf** link = &leaves_;
      while (*link != leaf) link = &(*link)->next;
      *link = leaf->next;
      memory_.give(leaf);
    }
    Heap* heap = nullptr;

   private:
    static constexpr std::size_t pages = 64, leaf_bytes = pages * slab::KernelSizes::page_size;
    struct Leaf {
      Leaf* next = nullptr;
      std::uintptr_t number = 0;
      std::size_t used = 0;
      slab::SlabInfo* infos[pages] = {};
    };
    void* take(std::size_t size, std::size_t align) {
      void* const memory = memory_.take(size, align);
      return memory || heap->shrink() == 0 ? memory : memory_.take(size, align);
    }
    static std::size_t index_of(std::uintptr_t page_addr) { return page_addr / slab::KernelSizes::page_size % pages; }
    Leaf* leaf_of(std::uintptr_t page_addr) const {
      Leaf* leaf = leaves_;
      while (leaf && leaf->number != page_addr / leaf_bytes) leaf = leaf->next;
      return leaf;
    }

    slabproof::Memory memory_;
    Leaf* leaves_ = nullptr;
  };

  struct State {
    explicit State(slabproof::Memory memory) : pages{memory}, heap{pages} { pages.heap = &heap; }
    Pages pages;
    Heap heap;
    std::size_t misuses = 0;
  };

 public:
  static constexpr slabproof::Abilities abilities{
      .sizes = true,
      .zeroed = true,
      .resizes = true,
      .usable_size = true,
      .sized_free = true,
      .resizes_null = true,
      .frees_null = true,
      .accepts = {.most = 100'000, .max_align = 4096},
      .align_of =
          [](std::size_t size) {
            const std::size_t usable = Heap::usable_size(size, 1);
            return std::min(usable & -usable, slab::KernelSizes::page_size);
          },
      .takes_memory = true,
      .counts_live = true,
      .knows_its_own = true,
      .names_globals = true,
      .detects = {.by = slabproof::DetectedMisuse::By::Report,
                  .double_free = true,
                  .interior = true,
                  .foreign = true,
                  .wrong_size =
                      [](std::size_t asked, std::size_t align, std::size_t told) {
                        return Heap::usable_size(asked, align) != Heap::usable_size(told, align);
                      }},
      .audit = true,
  };
  /// Each cache of the process has a number.
  static auto globals() {
    return std::array{std::as_writable_bytes(std::span{&slab::detail::Incarnation<true>::last, 1}),
                      std::as_writable_bytes(std::span{&Counting::count, 1})};
  }

  explicit SizeClassesSubject(slabproof::Memory memory)
      : memory_{memory}, state_{::new(memory.take(sizeof(State), alignof(State))) State{memory}} {}
  SizeClassesSubject(const SizeClassesSubject&) = delete;
  SizeClassesSubject& operator=(const SizeClassesSubject&) = delete;
  ~SizeClassesSubject() {
    heap().~Heap();
    memory_.give(state_);
  }

  void* allocate(std::size_t size, std::size_t align) { return heap().alloc(size, align); }
  void* allocate_zeroed(std::size_t count, std::size_t size) { return heap().alloc_zeroed(count, size); }
  void* reallocate(void* object, std::size_t size) { return heap().realloc(object, size); }
  std::size_t usable_size(const void* object) { return heap().usable_size(object); }
  /// Now and then without the size, unless that is a wrong one.
  void free(void* object, std::size_t size, std::size_t align) {
    if (size % 4 == 0 && Heap::usable_size(size, align) == heap().usable_size(object))
      heap().free(object);
    else
      heap().free(object, size, align);
  }
  [[nodiscard]] std::size_t live_objects() const { return heap().live_objects(); }
  [[nodiscard]] bool owns(const void* object) const { return heap().usable_size(object) != 0; }
  [[nodiscard]] std::size_t misuses() const { return state_->misuses; }
  [[nodiscard]] slabproof::Invariant audit() const {
    return heap().audit() ? slabproof::Invariant::None : slabproof::Invariant::OfAudit;
  }

 private:
  [[nodiscard]] Heap& heap() const {
    Counting::count = &state_->misuses;
    return state_->heap;
  }

  slabproof::Memory memory_;
  State* state_;
};
SLABPROOF_SUBJECT(SizeClassesSubject);
